import type { AllocationServices, RegisteredService } from './state.js';

/** Nomad: ServiceRegistration. */
export const renderService = (owner: Omit<AllocationServices, 'services'>, service: RegisteredService): object => ({
  ID: service.id,
  ServiceName: service.name,
  Namespace: owner.namespace,
  NodeID: owner.nodeId,
  Datacenter: owner.datacenter,
  JobID: owner.jobId,
  AllocID: owner.allocationId,
  Tags: service.tags,
  Address: service.address,
  Port: service.port,
  CreateIndex: service.createIndex,
  ModifyIndex: service.modifyIndex,
});
