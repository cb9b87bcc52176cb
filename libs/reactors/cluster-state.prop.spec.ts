import { evolveAllocation, type AggregateState, type AllocationState } from '@app/domain';
import { streamType, type StreamName } from '@app/kernel';
import { commitsOf } from '@app/streaming';
import { moves, STORY_JOBS, play, World } from '@app/testing';
import * as fc from 'fast-check';
import { ClusterState, isOver } from './cluster-state.js';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 40);
const LENGTH = 60;
const JOBS = STORY_JOBS;

/**
 * Allocations that were over for servers and client, and of which a client has said something else later: the cluster may have forgotten them
 * by then, and knows them again only where their state comes with the commit.
 */
function revived(world: World): ReadonlySet<string> {
  const allocs = new Map<StreamName, AllocationState>();
  const found = new Set<string>();
  for (const event of world.log) {
    if (streamType(event.stream) !== 'allocation') continue;
    const before = allocs.get(event.stream);
    const fact = { index: event.index, time: event.time };
    const after = evolveAllocation(before, event as unknown as Parameters<typeof evolveAllocation>[1], fact)!;
    if (before !== undefined && isOver(before) && !isOver(after)) found.add(after.id);
    allocs.set(event.stream, after);
  }
  return found;
}

/** All that a reactor may ask of the cluster. */
function picture(cluster: ClusterState, world: World): object {
  const left = revived(world);
  const byId = <T extends { readonly id: string }>(all: readonly T[]): T[] => {
    const list = all.filter(({ id }) => !left.has(id));
    return sorted(list);
  };
  const sorted = <T extends { readonly id: string }>(list: readonly T[]): T[] =>
    [...list].sort((a, b) => (a.id < b.id ? -1 : 1));
  const keys = (type: string): string[] =>
    world
      .streams()
      .filter((stream) => streamType(stream) === type)
      .map((stream) => stream.slice(type.length + 1));
  return {
    jobs: byId(cluster.jobs()),
    ofJobs: JOBS.map((id) => ({
      job: cluster.job('default', id),
      allocations: byId(cluster.allocationsOfJob('default', id)),
      deployments: cluster.deploymentsOfJob('default', id),
      open: byId(cluster.openEvaluationsOfJob('default', id)),
    })),
    active: byId(cluster.activeDeployments()),
    blocked: byId(cluster.blockedEvaluations()),
    open: byId(cluster.openEvaluations()),
    ofDeployments: keys('deployment').map((id) => byId(cluster.allocationsOfDeployment(id))),
    nodes: cluster.nodes().map((node) => [node, byId(cluster.liveAllocationsOnNode(node.id))]),
    allocations: keys('allocation')
      .filter((id) => !left.has(id))
      .map((id) => cluster.allocation(id)),
  };
}

/** What is stored of a stream once everything up to a commit is written. */
function storedAt(world: World, index: number): Map<StreamName, { version: number; state: AggregateState }> {
  const cluster = new World();
  const stored = new Map<StreamName, { version: number; state: AggregateState }>();
  for (const commit of Map.groupBy(world.log, (event) => event.index).values()) {
    if (commit[0]!.index > index) break;
    cluster.now = commit[0]!.time;
    cluster.commit(commit.map(({ stream, type, data }) => ({ stream, event: { type, data } })));
    for (const { stream, version } of commit) {
      stored.set(stream, { version, state: JSON.parse(JSON.stringify(cluster.read(stream))) as AggregateState });
    }
  }
  return stored;
}

/** Evaluations that have ended are not restored: they are told by nothing but the newest index looked at. */
const restorable = (state: AggregateState): boolean =>
  !('status' in state && 'triggeredBy' in state) || state.status === 'pending' || state.status === 'blocked';

describe('The cluster in memory', () => {
  test('restored from what was stored at some commit, while it follows the log from an earlier one, is the fold of the log', () => {
    fc.assert(
      fc.property(moves(LENGTH), fc.nat(), fc.nat(), (story, a, b) => {
        const world = new World();
        play(world, story);
        const commits = commitsOf(world.log);
        const restoredAt = a % (commits.length + 1);
        const followedFrom = b % (restoredAt + 1);

        const whole = new ClusterState();
        for (const commit of commits) whole.apply(commit);

        const restored = new ClusterState();
        const stored = storedAt(world, restoredAt);
        // The states that are read while commits come in: those of the log's own beginning, then the newer ones.
        const meanwhile = commits.slice(followedFrom, restoredAt);
        restored.beginRestoring();
        for (const [stream, { version, state }] of storedAt(world, followedFrom)) {
          if (restorable(state)) restored.restore(stream, version, state);
        }
        for (const commit of meanwhile) restored.apply(commit);
        for (const [stream, { version, state }] of stored)
          if (restorable(state)) restored.restore(stream, version, state);
        restored.endRestoring(commits[followedFrom - 1]?.index ?? 0);
        for (const commit of commits.slice(restoredAt)) restored.apply(commit);

        expect(picture(restored, world)).toEqual(picture(whole, world));
        expect(restored.index).toBe(whole.index);
      }),
      { numRuns: RUNS },
    );
  });

  test('shows the same whether commits come with their states or without', () => {
    fc.assert(
      fc.property(moves(LENGTH), (story) => {
        const world = new World();
        const [own, foreign] = [new ClusterState(), new ClusterState()];
        let from = 0;
        play(world, story, () => {
          const [commit] = commitsOf(world.log.slice(from));
          from = world.log.length;
          own.apply({
            ...commit!,
            changes: commit!.changes.map((change) => ({ ...change, state: world.read(change.stream) })),
          });
          foreign.apply(commit!);
          // The list of nodes is made once and then kept up to date, or made in the end.
          own.nodes();
        });
        expect(picture(own, world)).toEqual(picture(foreign, world));
      }),
      { numRuns: RUNS },
    );
  });

  test('applying a commit again moves nothing', () => {
    fc.assert(
      fc.property(moves(LENGTH), (story) => {
        const world = new World();
        play(world, story);
        const commits = commitsOf(world.log);
        const [once, twice] = [new ClusterState(), new ClusterState()];
        for (const commit of commits) {
          once.apply(commit);
          twice.apply(commit);
          twice.apply(commit);
        }
        expect(picture(twice, world)).toEqual(picture(once, world));
      }),
      { numRuns: RUNS },
    );
  });
});
