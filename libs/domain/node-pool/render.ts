import type { NodePoolState } from './state.js';

/** Nomad: NodePool; spec/http-api §2.7. Scheduler settings of a pool belong to its enterprise edition. */
export const renderNodePool = (state: NodePoolState): object => ({
  Name: state.name,
  Description: state.description,
  Meta: state.meta,
  SchedulerConfiguration: null,
  NodeIdentityTTL: state.identityTtl,
  Hash: state.hash === '' ? null : state.hash,
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
});
