import type { AllocationState } from '@app/domain';
import { NO_TRANSITION } from '@app/domain';
import { METRICS } from '@app/testing';
import { resourcesOf } from '../placement/resources.js';
import { group } from './specs.js';

/** A running allocation `shop.web[0]` of version 0 on `node-0`. */
export const allocation = (change: Partial<AllocationState> = {}): AllocationState => ({
  id: 'alloc',
  namespace: 'default',
  evalId: 'eval',
  name: 'shop.web[0]',
  nodeId: 'node-0',
  nodeName: 'node-0',
  jobId: 'shop',
  jobType: 'service',
  jobVersion: 0,
  jobCreateIndex: 10,
  jobModifyIndex: 10,
  taskGroup: 'web',
  allocatedResources: resourcesOf(group()),
  metrics: METRICS,
  desiredStatus: 'run',
  desiredDescription: '',
  desiredTransition: NO_TRANSITION,
  clientStatus: 'running',
  clientDescription: '',
  taskStates: null,
  stateChanges: [],
  previousAllocation: '',
  nextAllocation: '',
  deploymentId: '',
  deploymentStatus: null,
  rescheduleTracker: null,
  networkStatus: null,
  followupEvalId: '',
  signingKeyId: '',
  createIndex: 20,
  modifyIndex: 20,
  allocModifyIndex: 20,
  createTime: 0,
  modifyTime: 0,
  purged: false,
  ...change,
});
