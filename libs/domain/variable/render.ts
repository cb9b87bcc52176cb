import { goDuration, nsFromUs } from '@app/kernel';
import { rawNumber } from '../raw-json.js';
import type { VariableLock, VariableState } from './state.js';

/** Nomad: VariableMetadata: everything but the items. The lock is for those who may see it. */
export const renderVariableMetadata = (variable: VariableState, showsLock: boolean): object => ({
  Namespace: variable.namespace,
  Path: variable.path,
  Lock: showsLock ? renderLock(variable.lock) : null,
  CreateIndex: variable.createIndex,
  CreateTime: rawNumber(nsFromUs(variable.createTime)),
  ModifyIndex: variable.modifyIndex,
  ModifyTime: rawNumber(nsFromUs(variable.modifyTime)),
});

const renderLock = (lock: VariableLock | null): object | null =>
  lock && { ID: lock.id, TTL: lockDuration(lock.ttl), LockDelay: lockDuration(lock.delay) };

const lockDuration = (ns: number): string => (ns === 0 ? '' : goDuration(ns));
