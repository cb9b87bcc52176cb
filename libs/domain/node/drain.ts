import {
  accept,
  reject,
  type CommandContext,
  type Decision,
  type StateView,
  usFromNs,
  type DurationNs,
  type TimeUs,
} from '@app/kernel';
import { draftOf } from '../command/draft.js';
import { evaluateJobs, evaluateJobsOfNode, type AffectedJob } from './evaluate.js';
import type { NodeMessage } from './events.js';
import type { DrainStrategy, LastDrain, NodeState } from './state.js';

/** What an operator asks of a drain. Nomad: DrainSpec. */
export interface DrainSpec {
  /** Below 0: everything goes at once; 0: no deadline. */
  readonly deadline: DurationNs;
  readonly ignoreSystemJobs: boolean;
}

export interface DrainNode {
  readonly nodeId: string;
  /** null ends the drain. */
  readonly spec: DrainSpec | null;
  /** With the end of a drain: the node takes allocations again. */
  readonly markEligible: boolean;
  readonly meta: Readonly<Record<string, string>> | null;
  /** Who asks, as LastDrain shows it. */
  readonly accessorId: string;
  readonly affected: readonly AffectedJob[];
}

/** Nomad: Node.UpdateDrain; spec/lifecycle §9.2, spec/http-api §4.6. A node that starts to drain is ineligible. Rejection: node-not-found-write. */
export function drainNode(
  view: StateView,
  context: CommandContext,
  command: DrainNode,
): Decision<{ readonly evalIds: readonly string[] }> {
  const draft = draftOf(view, context);
  const node = draft.node(command.nodeId);
  if (node === undefined || node.purged) return reject('node-not-found-write');
  const { spec, markEligible } = command;
  const becomesEligible = spec === null && markEligible && node.eligibility === 'ineligible';
  draft.onNode(node.id, {
    type: 'NodeDrainChanged',
    data: {
      drain: spec === null ? null : strategy(spec, node.drain, context.now),
      lastDrain: lastDrain(node, command, context.now),
      eligibility: spec !== null ? 'ineligible' : becomesEligible ? 'eligible' : node.eligibility,
      note: noteOf(node.drain, spec),
    },
  });
  const evalIds = becomesEligible ? evaluateJobsOfNode(draft, node.id, command.affected, 'node-update') : [];
  return accept(draft.events(), { evalIds });
}

const strategy = (
  { deadline, ignoreSystemJobs }: DrainSpec,
  running: DrainStrategy | null,
  now: TimeUs,
): DrainStrategy => ({
  deadline,
  ignoreSystemJobs,
  forceDeadline: deadline > 0 ? now + usFromNs(deadline) : 0,
  startedAt: running?.startedAt ?? now,
});

function lastDrain(node: NodeState, { spec, meta, accessorId }: DrainNode, now: TimeUs): LastDrain | null {
  const running = node.drain === null ? null : node.lastDrain;
  if (spec !== null) {
    return {
      startedAt: running?.startedAt ?? now,
      updatedAt: now,
      status: 'draining',
      accessorId,
      meta: meta ?? running?.meta ?? null,
    };
  }
  return running === null
    ? node.lastDrain
    : { ...running, updatedAt: now, status: 'canceled', accessorId, meta: meta ?? running.meta };
}

function noteOf(running: DrainStrategy | null, spec: DrainSpec | null): NodeMessage {
  const message =
    spec === null
      ? 'Node drain disabled'
      : running === null
        ? 'Node drain strategy set'
        : 'Node drain strategy updated';
  return { message, subsystem: 'Drain', details: null };
}

/** Whether a drain is over its deadline: whatever is left goes now. */
export const isForced = (drain: DrainStrategy, now: TimeUs): boolean =>
  drain.deadline < 0 || (drain.forceDeadline !== 0 && drain.forceDeadline <= now);

/** An allocation that a drain moves away. */
export interface Drained {
  readonly allocationId: string;
  /** Batch work that the deadline cuts off is not started again elsewhere. */
  readonly disablePlacement: boolean;
}

/** The drainer's word: these go, and their jobs are evaluated. Those that are on their way already are passed over. */
export function drainAllocations(
  view: StateView,
  context: CommandContext,
  command: { readonly drained: readonly Drained[] },
): Decision {
  const draft = draftOf(view, context);
  const jobs = new Map<string, AffectedJob>();
  for (const { allocationId, disablePlacement } of command.drained) {
    const alloc = draft.allocation(allocationId);
    if (alloc === undefined || alloc.purged || alloc.desiredTransition.Migrate) continue;
    const transition = disablePlacement ? { Migrate: true, MigrateDisablePlacement: true } : { Migrate: true };
    draft.onAllocation(allocationId, { type: 'AllocationTransitionDesired', data: { transition } });
    jobs.set(`${alloc.namespace}/${alloc.jobId}`, { namespace: alloc.namespace, jobId: alloc.jobId });
  }
  evaluateJobs(draft, [...jobs.values()], 'node-drain');
  return accept(draft.events());
}

/** The drainer's last word: nothing is left. The node stays ineligible. Dropped silently when it is no longer the drain that was looked at. */
export function completeDrain(
  view: StateView,
  context: CommandContext,
  command: { readonly nodeId: string; readonly drain: DrainStrategy; readonly deadlineReached: boolean },
): Decision {
  const draft = draftOf(view, context);
  const node = draft.node(command.nodeId);
  if (node === undefined || node.purged || node.drain === null) return accept([]);
  const { startedAt, forceDeadline, deadline } = node.drain;
  const looked = command.drain;
  if (startedAt !== looked.startedAt || forceDeadline !== looked.forceDeadline || deadline !== looked.deadline)
    return accept([]);
  draft.onNode(node.id, {
    type: 'NodeDrainChanged',
    data: {
      drain: null,
      lastDrain: node.lastDrain && { ...node.lastDrain, updatedAt: context.now, status: 'complete' },
      eligibility: node.eligibility,
      note: {
        message: 'Node drain complete',
        subsystem: 'Drain',
        details: command.deadlineReached ? { deadline_reached: 'true' } : null,
      },
    },
  });
  return accept(draft.events());
}
