import { accept, reject, type CommandContext, type Decision, type StateView } from '@app/kernel';
import { draftOf, type Draft } from '../command/draft.js';
import { isPoolName } from '../node-pool/decide.js';
import { DEFAULT_IDENTITY_TTL, presentNodePool } from '../node-pool/state.js';
import { beyondBounds } from './bounds.js';
import { evaluateJobsOfNode, type AffectedJob } from './evaluate.js';
import type { EmittedNodeEvent, NodeMessage } from './events.js';
import { EVENTS_KEPT } from './evolve.js';
import type { Eligibility, NodeDescription, NodeState, NodeStatus } from './state.js';

/**
 * Nomad: Node.Register; spec/lifecycle §9.1. Rejections: node-secret-mismatch, node-beyond-bounds (detail: what of it). Says nothing when nothing is new. A pool that the node names and that
 * is not there comes with it.
 */
export function registerNode(
  view: StateView,
  context: CommandContext,
  command: {
    readonly description: NodeDescription;
    readonly secretDigest: string;
    readonly computedClass: string;
    readonly affected: readonly AffectedJob[];
  },
): Decision {
  const draft = draftOf(view, context);
  const { description, secretDigest, computedClass } = command;
  const beyond = beyondBounds(description);
  if (beyond !== '') return reject('node-beyond-bounds', beyond);
  const node = draft.node(description.ID);
  if (node === undefined || node.purged) {
    definePoolOf(draft, description);
    draft.onNode(description.ID, { type: 'NodeRegistered', data: { description, secretDigest, computedClass } });
    return accept(draft.events());
  }
  if (node.secretDigest !== secretDigest) return reject('node-secret-mismatch');
  if (JSON.stringify(node.description) === JSON.stringify(description)) return accept([]);
  definePoolOf(draft, description);
  draft.onNode(node.id, { type: 'NodeDescriptionChanged', data: { description, computedClass } });
  evaluateJobsOfNode(draft, node.id, command.affected, 'node-update');
  return accept(draft.events());
}

function definePoolOf(draft: Draft, { NodePool: name }: NodeDescription): void {
  if (!isPoolName(name) || presentNodePool(name, draft.nodePool(name)) !== undefined) return;
  const definition = { description: '', meta: null, identityTtl: DEFAULT_IDENTITY_TTL, hash: '' };
  draft.onNodePool(name, { type: 'NodePoolDefined', data: { name, ...definition } });
}

/** A heartbeat; spec/lifecycle §9.2. Appends only what changes the status. Rejection: node-not-found. */
export function heartbeatNode(
  view: StateView,
  context: CommandContext,
  command: { readonly nodeId: string; readonly affected: readonly AffectedJob[]; readonly hasLiveAllocations: boolean },
): Decision<{ readonly evalIds: readonly string[] }> {
  const draft = draftOf(view, context);
  const node = draft.node(command.nodeId);
  if (node === undefined || node.purged) return reject('node-not-found');
  const status = afterHeartbeat(node, command.hasLiveAllocations);
  if (status === node.status) return accept([], { evalIds: [] });
  const note: NodeMessage | null =
    node.status === 'down' ? { message: 'Node reregistered by heartbeat', subsystem: 'Cluster', details: null } : null;
  draft.onNode(node.id, { type: 'NodeStatusChanged', data: { status, note, missedHeartbeat: false } });
  return accept(draft.events(), { evalIds: evaluateJobsOfNode(draft, node.id, command.affected, 'node-update') });
}

/** What a heartbeat with status ready makes of a node: a client that was cut off must send its allocations first. */
export function afterHeartbeat(node: NodeState, hasLiveAllocations: boolean): NodeStatus {
  if (node.status === 'disconnected') return 'initializing';
  if (node.status !== 'initializing') return 'ready';
  return hasLiveAllocations &&
    node.lastMissedHeartbeatIndex > 0 &&
    node.lastAllocUpdateIndex <= node.lastMissedHeartbeatIndex
    ? 'initializing'
    : 'ready';
}

/** Nomad: Node.EmitEvents; spec/rpc §8.7. The newest ten are kept, so no more are written. Rejection: node-not-found. */
export function emitNodeEvents(
  view: StateView,
  context: CommandContext,
  command: { readonly nodeId: string; readonly events: readonly EmittedNodeEvent[] },
): Decision {
  const draft = draftOf(view, context);
  const node = draft.node(command.nodeId);
  if (node === undefined || node.purged) return reject('node-not-found');
  const events = command.events.slice(-EVENTS_KEPT);
  if (events.length > 0) draft.onNode(node.id, { type: 'NodeEventsEmitted', data: { events } });
  return accept(draft.events());
}

/** The TTL of a node ran out. Appends nothing when the node is not (or no longer) as the timer saw it. */
export const missHeartbeat = (view: StateView, context: CommandContext, command: MissedHeartbeat): Decision =>
  missHeartbeats(view, context, { nodes: [command] });

/** A node that was not heard of in time, and the jobs that this concerns. */
export interface MissedHeartbeat {
  readonly nodeId: string;
  readonly status: 'down' | 'disconnected';
  readonly affected: readonly AffectedJob[];
}

/** The same of several nodes: when a network breaks, it is many that are lost at once. */
export function missHeartbeats(
  view: StateView,
  context: CommandContext,
  command: { readonly nodes: readonly MissedHeartbeat[] },
): Decision {
  const draft = draftOf(view, context);
  const note: NodeMessage = { message: 'Node heartbeat missed', subsystem: 'Heartbeat', details: null };
  for (const { nodeId, status, affected } of command.nodes) {
    const node = draft.node(nodeId);
    if (node === undefined || node.purged || node.status === 'down' || node.status === status) continue;
    const missedHeartbeat = node.status !== 'disconnected';
    draft.onNode(node.id, {
      type: 'NodeStatusChanged',
      data: { status, note: missedHeartbeat ? note : null, missedHeartbeat },
    });
    evaluateJobsOfNode(draft, node.id, affected, 'node-update');
  }
  return accept(draft.events());
}

/** Nomad: Node.UpdateEligibility; spec/http-api §4.6. Rejections: node-not-found-write, node-is-draining. */
export function setEligibility(
  view: StateView,
  context: CommandContext,
  command: { readonly nodeId: string; readonly eligibility: Eligibility; readonly affected: readonly AffectedJob[] },
): Decision<{ readonly evalIds: readonly string[] }> {
  const draft = draftOf(view, context);
  const node = draft.node(command.nodeId);
  if (node === undefined || node.purged) return reject('node-not-found-write');
  if (node.drain !== null && command.eligibility === 'eligible') return reject('node-is-draining');
  if (node.eligibility === command.eligibility) return accept([], { evalIds: [] });
  const message = `Node marked as ${command.eligibility} for scheduling`;
  draft.onNode(node.id, {
    type: 'NodeEligibilityChanged',
    data: { eligibility: command.eligibility, note: { message, subsystem: 'Cluster', details: null } },
  });
  const evalIds =
    command.eligibility === 'eligible' ? evaluateJobsOfNode(draft, node.id, command.affected, 'node-update') : [];
  return accept(draft.events(), { evalIds });
}

/** Nomad: Node.Evaluate; spec/http-api §4.6. Rejection: node-not-found-write. */
export function evaluateNode(
  view: StateView,
  context: CommandContext,
  command: { readonly nodeId: string; readonly affected: readonly AffectedJob[] },
): Decision<{ readonly evalIds: readonly string[]; readonly node: NodeState }> {
  const draft = draftOf(view, context);
  const node = draft.node(command.nodeId);
  if (node === undefined || node.purged) return reject('node-not-found-write');
  const evalIds = evaluateJobsOfNode(draft, node.id, command.affected, 'node-update');
  return accept(draft.events(), { evalIds, node });
}

/** Nomad: Node.Deregister: the node is forgotten, and what ran on it is lost. Rejection: node-not-found-write. */
export function purgeNode(
  view: StateView,
  context: CommandContext,
  command: { readonly nodeId: string; readonly affected: readonly AffectedJob[] },
): Decision<{ readonly evalIds: readonly string[] }> {
  const draft = draftOf(view, context);
  const node = draft.node(command.nodeId);
  if (node === undefined || node.purged) return reject('node-not-found-write');
  draft.onNode(node.id, { type: 'NodePurged', data: {} });
  return accept(draft.events(), { evalIds: evaluateJobsOfNode(draft, node.id, command.affected, 'node-update') });
}
