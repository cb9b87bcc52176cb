import type { Index } from '@app/kernel';

/** What a client says of a service that it has on offer. */
export interface OfferedService {
  /** `_nomad-task-<allocation>-group-<group>-<service>-<port label>`, or `…-<task>-<service>-<port label>`. */
  readonly id: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly address: string;
  readonly port: number;
}

/** Nomad: ServiceRegistration, without what all of an allocation have in common. */
export interface RegisteredService extends OfferedService {
  readonly createIndex: Index;
  readonly modifyIndex: Index;
}

/** Whose the registrations of an allocation are. */
export interface ServiceOwner {
  readonly allocationId: string;
  readonly namespace: string;
  readonly jobId: string;
  readonly nodeId: string;
  readonly datacenter: string;
}

/** All that an allocation has registered with the Nomad provider; one stream, so that it goes with the allocation in one look. */
export interface AllocationServices extends ServiceOwner {
  readonly services: readonly RegisteredService[];
}
