import { rawNumber, type AllocationState, type JobState, type JobVersion, type ScalingEvent } from '@app/domain';
import { nsFromUs, type Index } from '@app/kernel';

const eventsOf = (job: JobState, group: string): readonly ScalingEvent[] =>
  new Map(Object.entries(job.scalingEvents ?? {})).get(group) ?? [];

/** Nomad: JobScaleStatus; spec/http-api §4.4. */
export const renderScaleStatus = (
  job: JobState,
  { spec, ...current }: JobVersion,
  live: readonly AllocationState[],
): object => ({
  JobID: spec.ID,
  Namespace: spec.Namespace,
  JobCreateIndex: current.createIndex,
  JobModifyIndex: current.jobModifyIndex,
  JobStopped: spec.Stop,
  TaskGroups: Object.fromEntries(
    spec.TaskGroups.map(({ Name, Count }) => {
      const allocs = live.filter((alloc) => alloc.taskGroup === Name);
      const count = (test: (alloc: AllocationState) => boolean): number => allocs.filter(test).length;
      const events = eventsOf(job, Name).map(renderScalingEvent);
      return [
        Name,
        {
          Desired: Count,
          Placed: allocs.length,
          Running: count((alloc) => alloc.clientStatus === 'running'),
          Healthy: count((alloc) => alloc.deploymentStatus?.healthy === true),
          Unhealthy: count((alloc) => alloc.deploymentStatus?.healthy === false),
          Events: events.length === 0 ? null : events,
        },
      ];
    }),
  ),
});

const renderScalingEvent = (event: ScalingEvent): object => ({
  Time: rawNumber(nsFromUs(event.time)),
  Count: event.count,
  PreviousCount: event.previousCount,
  Message: event.message,
  Error: event.error,
  Meta: event.meta,
  EvalID: event.evalId || null,
  CreateIndex: event.createIndex,
});

/** The newest of all that the status shows. */
export const scaleStatusIndex = (job: JobState, current: JobVersion, live: readonly AllocationState[]): Index =>
  Math.max(
    current.modifyIndex,
    ...live.map((alloc) => alloc.modifyIndex),
    ...Object.values(job.scalingEvents ?? {}).flatMap((events) => events.map((event) => event.createIndex)),
  );
