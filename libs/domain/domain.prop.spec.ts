import { streamType, type Fact, type RecordedEvent, type StreamName } from '@app/kernel';
import { project } from '@app/read-models';
import { moves, play, World } from '@app/testing';
import * as fc from 'fast-check';
import { evolve, type AggregateState } from './aggregates.js';
import type { AllocationState } from './allocation/state.js';
import { isTerminal } from './allocation/state.js';
import { isActive, type DeploymentState } from './deployment/state.js';
import { isEvaluationTerminal, type EvaluationState } from './evaluation/state.js';
import type { JobPurgeState } from './job-purge/state.js';
import type { JobSummaryState } from './job-summary/state.js';
import { currentVersion, type JobState } from './job/state.js';

/** Random stories of commands; fast-check prints the seed and the shrunk story of a failure. */
const LENGTH = 80;
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 60);

jest.setTimeout(60_000);

type States = Map<StreamName, AggregateState | undefined>;

const folded = (log: readonly RecordedEvent[], states: States = new Map()): States => {
  for (const event of log) {
    const fact: Fact = { index: event.index, time: event.time };
    states.set(event.stream, evolve(event.stream, states.get(event.stream), event, fact));
  }
  return states;
};
const stored = (states: States): States =>
  new Map([...states].map(([stream, state]) => [stream, JSON.parse(JSON.stringify(state)) as AggregateState]));
const told = (story: Parameters<typeof play>[1]): World => {
  const world = new World();
  play(world, story);
  return world;
};
const all = <S>(world: World, type: string): S[] =>
  world
    .streams()
    .filter((stream) => streamType(stream) === type)
    .map((stream) => world.read<S>(stream)!);

/** Holds after every commit of every story. */
function always(check: (world: World, touched: ReadonlySet<StreamName>) => void): void {
  fc.assert(
    fc.property(moves(LENGTH), (story) => {
      const world = new World();
      play(world, story, (touched) => check(world, touched));
    }),
    { numRuns: RUNS },
  );
}

/** Left over from a purge that was more than a command could carry. */
const isRemnant = (world: World, one: { namespace: string; jobId: string; createIndex: number }): boolean =>
  one.createIndex <= (world.read<JobPurgeState>(`job-purge/${one.namespace}/${one.jobId}`)?.upTo ?? 0);

describe('Whatever is commanded, in whatever order,', () => {
  test('nothing is thrown, and no event holds the stand-in for the index of its commit', () => {
    fc.assert(
      fc.property(moves(LENGTH), (story) => {
        const { log } = told(story);
        expect(JSON.stringify(log)).not.toContain(String(Number.MAX_SAFE_INTEGER));
      }),
      { numRuns: RUNS },
    );
  });

  test('no more allocations are healthy than were placed, and no counter is negative', () => {
    always((world) => {
      for (const { groups } of all<DeploymentState>(world, 'deployment')) {
        for (const group of Object.values(groups)) {
          expect(group.healthyAllocs).toBeGreaterThanOrEqual(0);
          expect(group.unhealthyAllocs).toBeGreaterThanOrEqual(0);
          expect(group.healthyAllocs).toBeLessThanOrEqual(group.placedAllocs);
        }
      }
    });
  });

  test('a deployment that has ended keeps its status', () => {
    const ended = new Map<string, string>();
    always((world) => {
      if (world.index === 1) ended.clear();
      for (const deployment of all<DeploymentState>(world, 'deployment')) {
        const before = ended.get(deployment.id);
        const now = `${deployment.status} ${deployment.statusDescription}`;
        if (before !== undefined) expect(now).toBe(before);
        else if (!isActive(deployment)) ended.set(deployment.id, now);
      }
    });
  });

  test('an evaluation that has ended never changes again', () => {
    const ended = new Map<string, EvaluationState>();
    always((world) => {
      if (world.index === 1) ended.clear();
      for (const evaluation of all<EvaluationState>(world, 'evaluation')) {
        const before = ended.get(evaluation.id);
        if (before !== undefined) expect(evaluation).toEqual(before);
        else if (isEvaluationTerminal(evaluation)) ended.set(evaluation.id, evaluation);
      }
    });
  });

  test('the summary of a job counts its live allocations and active deployments, and nothing below zero', () => {
    always((world) => {
      for (const summary of all<JobSummaryState>(world, 'job-summary')) {
        if (summary.purged) continue;
        const allocs = all<AllocationState>(world, 'allocation').filter(
          (alloc) => alloc.jobId === summary.jobId && !alloc.purged && !isRemnant(world, alloc),
        );
        const deployments = all<DeploymentState>(world, 'deployment').filter(
          (one) => one.jobId === summary.jobId && !one.purged && !isRemnant(world, one),
        );
        expect([summary.liveAllocations, summary.activeDeployments]).toEqual([
          allocs.filter((alloc) => !isTerminal(alloc)).length,
          deployments.filter(isActive).length,
        ]);
        for (const group of Object.values(summary.groups))
          expect(Math.min(...Object.values(group))).toBeGreaterThanOrEqual(0);
      }
    });
  });

  test('a job keeps six versions without a tag, newest first, one number each', () => {
    always((world) => {
      for (const { versions } of all<JobState>(world, 'job')) {
        const numbers = versions.map(({ version }) => version);
        expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => b - a));
        expect(versions.length).toBeLessThanOrEqual(6);
      }
    });
  });

  test('a job with live allocations is running', () => {
    always((world, touched) => {
      for (const job of all<JobState>(world, 'job')) {
        const summary = world.read<JobSummaryState>(`job-summary/${job.namespace}/${job.id}`);
        const current = currentVersion(job);
        if (current === undefined || summary === undefined || !touched.has(`job/${job.namespace}/${job.id}`)) continue;
        if (summary.liveAllocations > 0 && current.spec.Type !== 'system') expect(current.status).toBe('running');
      }
    });
  });

  test('whatever a commit touches bears its index', () => {
    always((world, touched) => {
      for (const stream of touched) {
        const state = world.read<{ modifyIndex?: number; versions?: { modifyIndex: number }[] }>(stream)!;
        const { modifyIndex, versions } = state;
        if (modifyIndex !== undefined && streamType(stream) !== 'evaluation') expect(modifyIndex).toBe(world.index);
        if (versions !== undefined && versions.length > 0) {
          expect(Math.max(...versions.map((version) => version.modifyIndex))).toBe(world.index);
        }
      }
    });
  });
});

describe('The fold', () => {
  test('can be interrupted anywhere and go on from what was stored', () => {
    fc.assert(
      fc.property(moves(LENGTH), fc.nat(), (story, at) => {
        const { log } = told(story);
        const cut = log.length === 0 ? 0 : at % (log.length + 1);
        expect(folded(log.slice(cut), stored(folded(log.slice(0, cut))))).toEqual(folded(log));
      }),
      { numRuns: RUNS },
    );
  });

  test('gives states that survive being stored as JSON', () => {
    fc.assert(
      fc.property(moves(LENGTH), (story) => {
        const states = folded(told(story).log);
        expect(stored(states)).toEqual(states);
      }),
      { numRuns: RUNS },
    );
  });

  test('takes any event at any time', () => {
    fc.assert(
      fc.property(
        moves(LENGTH).chain((story) => fc.shuffledSubarray([...told(story).log])),
        (events) => {
          const states = new Map<string, AggregateState | undefined>();
          for (const event of events) {
            // All events of a kind on one stream, whatever they were about.
            const type = streamType(event.stream);
            states.set(type, evolve(event.stream, states.get(type), event, { index: event.index, time: event.time }));
          }
        },
      ),
      { numRuns: RUNS },
    );
  });
});

describe('Projecting', () => {
  const apply = (rows: Map<string, string>, stream: StreamName, before: unknown, after: unknown): void => {
    for (const { table, key, columns, document } of project(stream, before, after)) {
      if (columns === null) rows.delete(`${table} ${key}`);
      else rows.set(`${table} ${key}`, JSON.stringify([columns, document]));
    }
  };

  test('twice gives the rows that once gives', () => {
    fc.assert(
      fc.property(moves(LENGTH), (story) => {
        const world = new World();
        const [once, twice] = [new Map<string, string>(), new Map<string, string>()];
        let before: States = new Map();
        play(world, story, (touched) => {
          for (const stream of touched) {
            const after = world.read<AggregateState>(stream);
            apply(once, stream, before.get(stream), after);
            apply(twice, stream, before.get(stream), after);
            apply(twice, stream, before.get(stream), after);
          }
          before = new Map(world.streams().map((stream) => [stream, world.read<AggregateState>(stream)]));
        });
        expect(twice).toEqual(once);
      }),
      { numRuns: RUNS / 3 },
    );
  });

  test('writes a row at most once for each commit', () => {
    let before: States = new Map();
    always((world, touched) => {
      if (world.index === 1) before = new Map();
      const keys = [...touched].flatMap((stream) =>
        project(stream, before.get(stream), world.read(stream)).map(({ table, key }) => `${table} ${key}`),
      );
      expect(new Set(keys).size).toBe(keys.length);
      before = new Map(world.streams().map((stream) => [stream, world.read<AggregateState>(stream)]));
    });
  });
});
