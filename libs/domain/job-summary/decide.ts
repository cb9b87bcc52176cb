import { accept, type CommandContext, type Decision, type StateView, ownProperty, byName } from '@app/kernel';
import { isTerminal } from '../allocation/state.js';
import { draftOf } from '../command/draft.js';
import { SUMMARY_BIN } from '../command/settle.js';
import { isActive } from '../deployment/state.js';
import { EMPTY_SUMMARY } from './evolve.js';
import type { GroupSummary } from './state.js';

/**
 * Counts a job's allocations anew; spec/http-api §4.12. What is queued stays as the last evaluation said. Appends nothing where the
 * summary is right already. `allocationIds` and `deploymentIds`: all that the job has.
 */
export function reconcileSummary(
  view: StateView,
  context: CommandContext,
  command: {
    readonly namespace: string;
    readonly jobId: string;
    readonly allocationIds: readonly string[];
    readonly deploymentIds: readonly string[];
  },
): Decision {
  const draft = draftOf(view, context);
  const { namespace, jobId } = command;
  const summary = draft.summary(namespace, jobId);
  if (summary === undefined || summary.purged) return accept([]);
  const groups = byName<GroupSummary>();
  for (const [name, { queued }] of Object.entries(summary.groups)) groups[name] = { ...EMPTY_SUMMARY, queued };
  let liveAllocations = 0;
  for (const id of command.allocationIds) {
    const alloc = draft.allocation(id);
    if (alloc === undefined || alloc.purged) continue;
    if (alloc.jobCreateIndex !== summary.jobCreateIndex) continue;
    if (!isTerminal(alloc)) liveAllocations++;
    const group = ownProperty(groups, alloc.taskGroup) ?? EMPTY_SUMMARY;
    const bin = SUMMARY_BIN[alloc.clientStatus];
    groups[alloc.taskGroup] = { ...group, [bin]: group[bin] + 1 };
  }
  const active = command.deploymentIds
    .map((id) => draft.deployment(id))
    .filter((one) => one !== undefined && !one.purged && isActive(one))
    .filter((one) => one?.jobCreateIndex === summary.jobCreateIndex);
  const data = { groups, liveAllocations, activeDeployments: active.length };
  const { liveAllocations: live, activeDeployments } = summary;
  if (JSON.stringify(data) === JSON.stringify({ groups: summary.groups, liveAllocations: live, activeDeployments }))
    return accept([]);
  draft.onSummary(namespace, jobId, { type: 'JobSummaryChanged', data });
  return accept(draft.events());
}
