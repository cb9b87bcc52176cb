import type { Index } from '@app/kernel';

/** The workloads that a policy is bound to. Nomad: JobACL; empty parts: any. */
export interface JobAcl {
  readonly namespace: string;
  readonly jobId: string;
  readonly group: string;
  readonly task: string;
}

/** Nomad: ACLPolicy; spec/http-api §2.7. */
export interface AclPolicyDefinition {
  readonly description: string;
  /** As they were written: HCL or JSON. */
  readonly rules: string;
  readonly jobAcl: JobAcl | null;
  /** Base64: differs when anything above does. */
  readonly hash: string;
}

export interface AclPolicyState extends AclPolicyDefinition {
  readonly name: string;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  /** Deleted; creating it anew continues the stream. */
  readonly purged: boolean;
}

/** Whether a policy is bound to a task; the job of a child is its parent. */
export const isBoundTo = (bound: JobAcl, place: JobAcl): boolean =>
  bound.namespace !== '' &&
  bound.namespace === place.namespace &&
  (bound.jobId === '' || bound.jobId === place.jobId) &&
  (bound.group === '' || bound.group === place.group) &&
  (bound.task === '' || bound.task === place.task);
