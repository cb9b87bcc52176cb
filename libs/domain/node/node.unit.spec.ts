import { evaluationStream, nodeStream, type StreamName } from '@app/kernel';
import {
  event,
  given,
  idOf,
  jobSpec,
  NODE,
  nodeDescription,
  nodeIsReady,
  nodeRegistered,
  registered,
  type Decide,
  type Given,
} from '@app/testing';
import { heartbeatNode, missHeartbeat, registerNode, setEligibility, type AffectedJob } from '../index.js';
import type { NodeDescription, NodeState, NodeStatus } from './state.js';

const node: StreamName = nodeStream(NODE);
const WEB: AffectedJob = { namespace: 'default', jobId: 'web' };

const ready = (): Given => given(nodeRegistered(), nodeIsReady());
const withJob = (): Given => ready().and(registered(jobSpec({ priority: 70 })));
const registers =
  (
    description: NodeDescription,
    secretDigest = 'digest of its secret',
    affected: readonly AffectedJob[] = [],
  ): Decide =>
  (view, context) =>
    registerNode(view, context, { description, secretDigest, computedClass: 'v1:1', affected });
const beats =
  (affected: readonly AffectedJob[] = [], hasLiveAllocations = false): Decide<{ evalIds: readonly string[] }> =>
  (view, context) =>
    heartbeatNode(view, context, { nodeId: NODE, affected, hasLiveAllocations });
const misses =
  (status: 'down' | 'disconnected', affected: readonly AffectedJob[] = []): Decide =>
  (view, context) =>
    missHeartbeat(view, context, { nodeId: NODE, status, affected });
const marks =
  (
    eligibility: 'eligible' | 'ineligible',
    affected: readonly AffectedJob[] = [],
  ): Decide<{ evalIds: readonly string[] }> =>
  (view, context) =>
    setEligibility(view, context, { nodeId: NODE, eligibility, affected });
const messages = (story: Given): string[] => story.state<NodeState>(node).events.map(({ message }) => message);
const statusOf = (story: Given): NodeStatus => story.state<NodeState>(node).status;

describe('A node that registers', () => {
  test('is initializing until its first heartbeat, and eligible', () => {
    const story = given(nodeRegistered());
    expect(story.state(node)).toMatchObject({
      status: 'initializing',
      eligibility: 'eligible',
      drain: null,
      createIndex: 1,
    });
    expect(messages(story)).toEqual(['Node registered']);
  });

  test('as it is known already appends nothing', () => {
    ready()
      .when(registers(nodeDescription(NODE)))
      .thenNothing();
  });

  test('with another description changes, and the jobs that it concerns are evaluated', () => {
    withJob()
      .when(registers(nodeDescription(NODE, { NodeClass: 'large' }), undefined, [WEB]))
      .thenAppended(
        event(node, 'NodeDescriptionChanged'),
        event(evaluationStream(idOf(2)), 'EvaluationCreated', {
          triggeredBy: 'node-update',
          nodeId: NODE,
          priority: 70,
        }),
      )
      .thenState(evaluationStream(idOf(2)), { nodeModifyIndex: 4 });
  });

  test.each([
    [
      'cores',
      'NodeResources.Cpu.TotalCpuCores',
      (machine: NodeDescription) => ({ Cpu: { ...machine.NodeResources.Cpu, TotalCpuCores: 1e9 } }),
    ],
    ['ports', 'NodeResources.MinDynamicPort', () => ({ MinDynamicPort: 2 ** 53, MaxDynamicPort: 2 ** 53 + 4 })],
    ['fractions', 'NodeResources.Memory', () => ({ Memory: { MemoryMB: 1.5 } })],
    ['networks', 'NodeResources.Networks', () => ({ Networks: Array.from({ length: 1000 }, () => ({})) })],
  ])('with %s that no machine has is refused', (_, what, change) => {
    const machine = nodeDescription(NODE);
    const odd = { ...machine, NodeResources: { ...machine.NodeResources, ...change(machine) } };
    given().when(registers(odd)).thenRejected('node-beyond-bounds', what);
  });

  test('with another secret is refused', () => {
    ready()
      .when(registers(nodeDescription(NODE), 'another'))
      .thenRejected('node-secret-mismatch');
  });

  test('after it was purged begins anew, with any secret', () => {
    ready()
      .and(event(node, 'NodePurged'))
      .when(registers(nodeDescription(NODE), 'another'))
      .thenState(node, { createIndex: 4, purged: false, secretDigest: 'another' });
  });
});

describe('A heartbeat', () => {
  test('makes an initializing node ready, and evaluates what may run on it', () => {
    given(nodeRegistered(), registered(jobSpec()))
      .when(beats([WEB]))
      .thenAppended(
        event(node, 'NodeStatusChanged', { status: 'ready' }),
        event(evaluationStream(idOf(2)), 'EvaluationCreated'),
      )
      .thenAnswered({ evalIds: [idOf(2)] });
  });

  test('of a ready node is not history', () => {
    ready()
      .when(beats([WEB]))
      .thenNothing();
  });

  test('brings a node back that was down, and says so', () => {
    const story = ready().and(misses('down'), beats());
    expect(statusOf(story)).toBe('ready');
    expect(messages(story)).toEqual(['Node registered', 'Node heartbeat missed', 'Node reregistered by heartbeat']);
  });

  test('of a disconnected node leads over initializing: it must send its allocations first', () => {
    const story = ready().and(misses('disconnected'), beats([], true));
    expect(statusOf(story)).toBe('initializing');
    story.when(beats([], true)).thenNothing();
    story.and(event(node, 'NodeAllocationsRefreshed')).when(beats([], true)).thenState(node, { status: 'ready' });
  });

  test('of a disconnected node without allocations needs no refresh', () => {
    const story = ready().and(misses('disconnected'), beats());
    story.when(beats()).thenState(node, { status: 'ready' });
  });

  test('of an unknown node is refused', () => {
    given().when(beats()).thenRejected('node-not-found');
  });
});

describe('A missed heartbeat', () => {
  test('takes a node down, remembers the index and evaluates its jobs', () => {
    withJob()
      .when(misses('down', [WEB]))
      .thenAppended(
        event(node, 'NodeStatusChanged', { status: 'down', missedHeartbeat: true }),
        event(evaluationStream(idOf(2)), 'EvaluationCreated'),
      )
      .thenState(node, { status: 'down', lastMissedHeartbeatIndex: 4 });
  });

  test('counts once on the way from disconnected to down', () => {
    ready()
      .and(misses('disconnected'))
      .when(misses('down'))
      .thenAppended(event(node, 'NodeStatusChanged', { status: 'down', note: null, missedHeartbeat: false }))
      .thenState(node, { lastMissedHeartbeatIndex: 3 });
  });

  test('of a node that is down, that is known to be so, or that is gone, appends nothing', () => {
    ready().and(misses('down')).when(misses('down')).thenNothing();
    ready().and(misses('down')).when(misses('disconnected')).thenNothing();
    ready().and(misses('disconnected')).when(misses('disconnected')).thenNothing();
    given().when(misses('down')).thenNothing();
  });
});

describe('Eligibility', () => {
  test('can be taken, which concerns nobody', () => {
    withJob()
      .when(marks('ineligible', [WEB]))
      .thenAppended(event(node, 'NodeEligibilityChanged', { eligibility: 'ineligible' }))
      .thenAnswered({ evalIds: [] });
  });

  test('can be given back, which may help jobs', () => {
    const story = withJob().and(marks('ineligible'));
    story.when(marks('eligible', [WEB])).thenAnswered({ evalIds: [idOf(2)] });
    expect(messages(story)).toContain('Node marked as ineligible for scheduling');
  });

  test('that is as it was appends nothing', () => {
    ready()
      .when(marks('eligible', [WEB]))
      .thenNothing()
      .thenAnswered({ evalIds: [] });
  });

  test('cannot be given to a node that is draining, or unknown', () => {
    const draining = event(node, 'NodeDrainChanged', {
      drain: { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 0 },
      lastDrain: null,
      eligibility: 'ineligible',
      note: { message: 'Node drain strategy set', subsystem: 'Drain', details: null },
    });
    ready().and(draining).when(marks('eligible')).thenRejected('node-is-draining');
    given().when(marks('eligible')).thenRejected('node-not-found-write');
  });
});

test('A node keeps its newest ten events', () => {
  const story = ready();
  for (let i = 0; i < 12; i++) story.and(marks(i % 2 === 0 ? 'ineligible' : 'eligible'));
  expect(messages(story)).toHaveLength(10);
  expect(messages(story).at(-1)).toBe('Node marked as eligible for scheduling');
});
