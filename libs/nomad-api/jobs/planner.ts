import type { JobRehearsal, JobSpec } from '@app/domain';
import type { Decision } from '@app/kernel';

/** Tells what a registration would lead to, on the cluster as it is now. Nothing is written. Rejections as for `registerJob`. */
export type Rehearse = (spec: JobSpec) => Promise<Decision<JobRehearsal>>;

/** {@link Rehearse}, as something that can be injected. */
export class Planner {
  constructor(readonly rehearse: Rehearse) {}
}
