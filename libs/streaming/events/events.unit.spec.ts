import { NODE, nodeIsReady, nodeRegistered, jobSpec, planned, registered, report, World } from '@app/testing';
import { reportAllocations, type EvaluationState, type OfferedService } from '@app/domain';
import { streamType, type Index, type StreamName } from '@app/kernel';
import { commitKind } from './commit-kind.js';
import { EventFeed, EventReader } from './event-feed.js';
import { isWanted, type EventFilter } from './event-filter.js';
import { farewell, frameOf, heartbeat } from './frames.js';
import type { EventCommit } from './nomad-event.js';

const kind = (...types: string[]): string | undefined => commitKind(new Set(types)).type;
const filter = (topics: Record<string, readonly string[]>, more: Partial<EventFilter> = {}): EventFilter => ({
  topics: new Map(Object.entries(topics).map(([topic, keys]) => [topic, new Set(keys)])),
  namespace: 'default',
  asStub: false,
  withMeta: false,
  asSse: false,
  sees: () => true,
  key: JSON.stringify([topics, more]),
  ...more,
});

/** A node, a job, and the plan that places it. */
function story(): World {
  const world = new World();
  for (const step of [nodeRegistered(), nodeIsReady(), registered(jobSpec())]) world.run(step);
  const evaluation = world
    .streams()
    .filter((stream) => streamType(stream) === 'evaluation')
    .map((stream) => world.read<EvaluationState>(stream)!.id)[0]!;
  world.run((view, context) =>
    planned({ evaluation, place: [{ id: context.newId() }], deployment: { groups: { app: {} } } })(view, context),
  );
  return world;
}
const storeOf = (world: World) => ({
  readAfter: async (index: Index) => world.log.filter((event) => event.index > index),
  load: async () => new Map(),
  readBeginnings: async (parts: ReadonlyMap<StreamName, { readonly from: number; readonly below: number }>) =>
    world.log.filter(({ stream, version }) => {
      const part = parts.get(stream);
      return part !== undefined && version >= part.from && version < part.below;
    }),
});
const commits = (world: World): Promise<EventCommit[]> => new EventReader(storeOf(world)).after(0);

describe('A commit', () => {
  test('is called what Nomad calls the command', () => {
    expect(kind('JobRegistered', 'EvaluationCreated')).toBe('JobRegistered');
    expect(kind('DeploymentFailed', 'JobRegistered', 'EvaluationCreated')).toBe('DeploymentStatusUpdate');
    expect(kind('AllocationReported', 'DeploymentAllocationsHealthy', 'EvaluationCreated')).toBe('AllocationUpdated');
    expect(kind('AllocationHealthSet', 'DeploymentAllocationsHealthy', 'DeploymentFailed')).toBe(
      'DeploymentAllocHealth',
    );
    expect(kind('JobPurged', 'EvaluationCompleted', 'EvaluationCreated')).toBe('JobDeregistered');
    expect(kind('JobPurged', 'AllocationCollected')).toBe('JobBatchDeregistered');
    expect(kind('EvaluationCompleted')).toBe('EvaluationUpdated');
    expect(kind('AllocationPlaced', 'DeploymentCreated', 'EvaluationCompleted')).toBe('PlanResult');
    expect(kind('JobVersionTagged')).toBeUndefined();
  });

  test('with a plan and the end of its evaluation tells of both, in this order', async () => {
    const plan = (await commits(story())).at(-1)!;
    const told = plan.events.map((event) => {
      const { Payload } = JSON.parse(event.text(false)) as { Payload: Record<string, { Status?: string }> };
      return [event.topic, event.type, Payload[event.topic]?.Status];
    });
    expect(told.filter(([topic]) => topic === 'Evaluation')).toEqual([
      ['Evaluation', 'PlanResult', 'pending'],
      ['Evaluation', 'EvaluationUpdated', 'complete'],
    ]);
    expect(told).toContainEqual(['Deployment', 'PlanResult', 'running']);
  });
});

describe('Services', () => {
  const tell = (world: World, alloc: string, services: readonly OfferedService[]) =>
    world.run((view, context) =>
      reportAllocations(view, context, {
        nodeId: NODE,
        reports: [{ ...report(alloc, { clientStatus: 'running' }), services }],
      }),
    );

  test('are told of one by one, when they come, change and go, beside what else their commit is', async () => {
    const world = story();
    const alloc = world
      .streams()
      .find((stream) => streamType(stream) === 'allocation')!
      .slice('allocation/'.length);
    const service = (name: string, ...tags: string[]): OfferedService => ({
      id: `_nomad-task-${alloc}-group-app-${name}-http`,
      name,
      tags,
      address: '10.0.0.1',
      port: 20000,
    });
    const from = world.log.at(-1)!.index;
    tell(world, alloc, [service('a'), service('b')]);
    tell(world, alloc, [service('a', 'new'), service('b')]);
    tell(world, alloc, [service('a', 'new')]);
    tell(world, alloc, []);
    const later = await new EventReader(storeOf(world)).after(from);
    const told = later.map(({ events }) =>
      events.map((event) => {
        const { Payload } = JSON.parse(event.text(false)) as {
          Payload: { Service?: { ServiceName: string; Tags: string[] } };
        };
        return [event.topic, event.type, Payload.Service?.ServiceName, Payload.Service?.Tags.join()];
      }),
    );
    expect(told.map((one) => one.filter(([topic]) => topic === 'Service'))).toEqual([
      [
        ['Service', 'ServiceRegistration', 'a', ''],
        ['Service', 'ServiceRegistration', 'b', ''],
      ],
      [['Service', 'ServiceRegistration', 'a', 'new']],
      [['Service', 'ServiceDeregistration', 'b', '']],
      [['Service', 'ServiceDeregistration', 'a', 'new']],
    ]);
    expect(told[0]).toContainEqual(['Allocation', 'AllocationUpdated', undefined, undefined]);
    const wants = (topics: Record<string, readonly string[]>): number =>
      later.flatMap(({ events }) => events).filter((event) => isWanted(filter(topics), event)).length;
    expect([wants({ Service: ['a'] }), wants({ Service: [jobSpec().ID] }), wants({ Service: ['c'] })]).toEqual([
      3, 5, 0,
    ]);
  });
});

describe('A filter', () => {
  test('takes keys, filter keys and namespaces as Nomad does', async () => {
    const all = (await commits(story())).flatMap(({ events }) => events);
    const topics = (wanted: EventFilter): string[] => [
      ...new Set(all.filter((event) => isWanted(wanted, event)).map(({ topic }) => topic)),
    ];
    expect(topics(filter({ '*': ['*'] }))).toEqual(
      ['Node', 'Job', 'Evaluation', 'Deployment', 'Allocation'].sort(inOrder),
    );
    expect(topics(filter({ Job: ['*', 'other'] }))).toEqual([]);
    expect(topics(filter({ Job: ['web'], Allocation: ['web'] }))).toEqual(['Job', 'Allocation'].sort(inOrder));
    expect(topics(filter({ '*': [NODE] }))).toEqual(['Node']);
    expect(topics(filter({ '*': ['*'] }, { namespace: 'other' }))).toEqual(['Node']);
    expect(topics(filter({ '*': ['*'] }, { namespace: '*', sees: (topic) => topic === 'Job' }))).toEqual([
      'Node',
      'Job',
    ]);
    function inOrder(a: string, b: string): number {
      const order = all.map(({ topic }) => topic);
      return order.indexOf(a) - order.indexOf(b);
    }
  });

  test('gives all its subscribers the same bytes, and another one others', async () => {
    const commit = (await commits(story()))[2]!;
    const one = filter({ Job: ['*'] });
    expect(frameOf(commit, one)).toBe(frameOf(commit, { ...one }));
    expect(frameOf(commit, filter({ Node: ['*'] }))).toBeNull();
    expect(frameOf(commit, filter({ Job: ['*'] }, { asSse: true }))?.toString()).toMatch(
      /^id: 3\ndata: \{"Index":3,"Events":\[.*\]\}\n\n$/,
    );
    expect(frameOf(commit, filter({ Job: ['*'] }, { withMeta: true }))?.toString()).toContain('"Meta":{"Actor":');
    const stub = frameOf(commit, filter({ Job: ['*'] }, { asStub: true }))!;
    expect(stub.length).toBeLessThan(frameOf(commit, one)!.length);
    expect(stub.toString()).not.toContain('TaskGroups');
  });

  test('has heartbeats and farewells in its own form', () => {
    expect(heartbeat(false).toString()).toBe('{}\n');
    expect(heartbeat(false, 7).toString()).toBe('{"Head":7}\n');
    expect(heartbeat(true, 7).toString()).toBe('id: 7\nevent: heartbeat\ndata: {"Head":7}\n\n');
    expect(farewell(false, 'Permission denied', 8).toString()).toBe('{"Error":"Permission denied","Resume":8}\n');
  });
});

describe('The feed', () => {
  test('has what came since somebody joined, once for all, and nothing of before', async () => {
    const world = story();
    let applied = 2;
    let onCommit = (): void => undefined;
    const feed = new EventFeed(
      storeOf(world),
      {
        get applied() {
          return applied;
        },
        onCommit: (listener) => {
          onCommit = () => listener(undefined as never);
          return () => undefined;
        },
        reached: () => Promise.resolve(),
      },
      (error) => {
        throw error;
      },
    );
    const leave = feed.join();
    expect(feed.after(0)).toBeUndefined();
    expect(feed.after(2)).toEqual([]);
    const woken = new Promise<void>((resolve) => feed.wait(resolve));
    applied = 4;
    onCommit();
    await woken;
    expect(feed.after(2)!.map(({ index }) => index)).toEqual([3, 4]);
    expect(feed.after(3)![0]).toBe(feed.after(2)![1]);
    expect(feed.after(1)).toBeUndefined();
    expect((await feed.replay().after(1)).map(({ index }) => index)).toEqual([2, 3, 4]);
    leave();
  });
});
