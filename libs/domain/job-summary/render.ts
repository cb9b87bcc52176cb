import type { JobSummaryState } from './state.js';

/** Nomad's JobSummary. spec/http-api §3. */
export const renderJobSummary = (state: JobSummaryState): object => ({
  JobID: state.jobId,
  Namespace: state.namespace,
  Summary: Object.fromEntries(
    Object.entries(state.groups).map(([name, group]) => [
      name,
      {
        Queued: group.queued,
        Complete: group.complete,
        Failed: group.failed,
        Running: group.running,
        Starting: group.starting,
        Lost: group.lost,
        Unknown: group.unknown,
      },
    ]),
  ),
  Children: { Pending: state.children.pending, Running: state.children.running, Dead: state.children.dead },
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
});
