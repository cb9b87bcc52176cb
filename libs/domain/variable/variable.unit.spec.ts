import { variableStream, type CommandContext, type StateView } from '@app/kernel';
import { event, given } from '@app/testing';
import { initialiseKeyring, rotateKeyring } from '../keyring/decide.js';
import { deleteVariable, expireLock, lockVariable, releaseVariable, resealVariable, writeVariable } from './decide.js';
import type { VariableState } from './state.js';

const WHERE = { namespace: 'default', path: 'app/config' };
const STREAM = variableStream('default', 'app/config');
const key = (id: string) => ({ id, sealed: '', publicKey: { n: 'n', e: 'AQAB' } });
const initialised = (view: StateView, context: CommandContext) => initialiseKeyring(view, context, { key: key('k1') });
const rotated = (view: StateView, context: CommandContext) =>
  rotateKeyring(view, context, { key: key('k2'), full: true, publishTime: '0' });
const written =
  ({ sealed = 'one', cas = null as number | null, lockId = '', keyId = 'k1' } = {}) =>
  (view: StateView, context: CommandContext) =>
    writeVariable(view, context, { ...WHERE, items: { keyId, sealed }, cas, lockId });
const locked =
  (lockId = '', sealed = 'locked') =>
  (view: StateView, context: CommandContext) =>
    lockVariable(view, context, { ...WHERE, items: { keyId: 'k1', sealed }, cas: null, lockId, ttl: 15e9, delay: 5e9 });
const released = (lockId: string) => (view: StateView, context: CommandContext) =>
  releaseVariable(view, context, { ...WHERE, lockId });
const deleted =
  (cas: number | null = null) =>
  (view: StateView, context: CommandContext) =>
    deleteVariable(view, context, { ...WHERE, cas });
const nothingShown = { kind: 'conflict', variable: null } as const;
const lockOf = (story: ReturnType<typeof given>): string => story.state<VariableState>(STREAM).lock!.id;

describe('a variable', () => {
  test('keeps when it was created while it is replaced', () => {
    const story = given(initialised, written());
    const { createIndex, createTime } = story.state<VariableState>(STREAM);
    story.when(written({ sealed: 'two' })).thenState(STREAM, { createIndex, createTime, sealed: 'two' });
  });

  test('is another one when it is created after it was deleted', () => {
    const story = given(initialised, written());
    const { createIndex } = story.state<VariableState>(STREAM);
    story.and(deleted()).and(written());
    expect(story.state<VariableState>(STREAM).createIndex).toBeGreaterThan(createIndex);
  });

  test('is written only with the index that was asked for, and shown where it is another', () => {
    const story = given(initialised, written());
    const variable = story.state<VariableState>(STREAM);
    story
      .when(written({ cas: 0 }))
      .thenNothing()
      .thenAnswered({ kind: 'conflict', variable });
    story.when(written({ cas: variable.modifyIndex })).thenAppended(event(STREAM, 'VariableWritten'));
    given(initialised)
      .when(written({ cas: 7 }))
      .thenNothing()
      .thenAnswered(nothingShown);
    given(initialised).when(deleted(7)).thenNothing().thenAnswered(nothingShown);
    given(initialised).when(deleted(0)).thenNothing().thenAnswered({ kind: 'changed', variable: null });
  });

  test('is never written under a key that is not the active one any more', () => {
    given(initialised, rotated).when(written()).thenRejected('keyring-moved');
    given(initialised, rotated).when(locked()).thenRejected('keyring-moved');
  });

  test('that is locked is written, locked, deleted by nobody but the holder, who keeps the lock', () => {
    const story = given(initialised, locked());
    for (const attempt of [written(), written({ lockId: 'another' }), locked(), locked('another'), deleted()])
      story.when(attempt).thenNothing().thenAnswered(nothingShown);
    const lockId = lockOf(story);
    story.when(written({ lockId, sealed: 'mine' })).thenState(STREAM, { sealed: 'mine', lock: { id: lockId } });
    story.when(locked(lockId, 'again')).thenState(STREAM, { sealed: 'again', lock: { id: lockId } });
  });

  test('shows itself to whoever has an old index, locked or not', () => {
    const story = given(initialised, locked());
    const variable = story.state<VariableState>(STREAM);
    story.when(written({ cas: 1 })).thenAnswered({ kind: 'conflict', variable });
  });

  test('that is not locked is not written by who claims to hold its lock', () => {
    given(initialised, written())
      .when(written({ lockId: 'lost' }))
      .thenNothing()
      .thenAnswered(nothingShown);
  });

  test('keeps its items when its lock is released', () => {
    const story = given(initialised, locked());
    story.when(released('another')).thenNothing().thenAnswered(nothingShown);
    story.when(released(lockOf(story))).thenState(STREAM, { lock: null, sealed: 'locked' });
    story.when(released('any')).thenRejected('variable-not-locked');
    given(initialised).when(released('any')).thenRejected('variable-not-found-write');
  });

  test('gets a new lock after the last one is over, whatever id is asked with', () => {
    const story = given(initialised, locked());
    const first = lockOf(story);
    story.and(released(first)).and(locked(first));
    expect(lockOf(story)).not.toBe(first);
  });

  test('loses only the lock that has expired', () => {
    const story = given(initialised, locked());
    const expire = (lockId: string) => (view: StateView, context: CommandContext) =>
      expireLock(view, context, { ...WHERE, lockId });
    story.when(expire('an older one')).thenNothing();
    story.when(expire(lockOf(story))).thenAppended(event(STREAM, 'VariableUnlocked', { cause: 'expired' }));
  });

  test('looks the same under another key, and is put there only if nobody has written it meanwhile', () => {
    const story = given(initialised, written(), rotated);
    const variable = story.state<VariableState>(STREAM);
    const reseal = (before: string) => (view: StateView, context: CommandContext) =>
      resealVariable(view, context, { ...WHERE, before, items: { keyId: 'k2', sealed: 'one under k2' } });
    story.when(reseal('older')).thenNothing();
    story.when(reseal('one')).thenState(STREAM, { ...variable, keyId: 'k2', sealed: 'one under k2' });
  });
});
