import type { Index, JsonObject } from '@app/kernel';

/** Within which bounds a group of a job may be scaled, and by what rules. Nomad: ScalingPolicy; spec/http-api-more §15. */
export interface ScalingPolicyDefinition {
  readonly id: string;
  readonly namespace: string;
  readonly jobId: string;
  readonly group: string;
  readonly type: string;
  readonly policy: JsonObject | null;
  readonly min: number;
  readonly max: number;
  /** A stopped job is not scaled. */
  readonly enabled: boolean;
}

export interface ScalingPolicyState extends ScalingPolicyDefinition {
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  /** Its block or its job is gone. */
  readonly purged: boolean;
}
