import {
  deregisterJob,
  failDeployment,
  pauseDeployment,
  progressDeployment,
  promoteDeployment,
  registerJob,
  reportAllocations,
  type JobAnswer,
} from '@app/domain';
import type { CommandContext, Decision, EventMeta, StateView, TimeUs } from '@app/kernel';
import type { Chance } from './chance.js';
import { passed, type Pass, type PlacedOn } from './plans.js';
import { metricsOf, reportOf, specOf } from './specs.js';

/** One commit: who, why, and what is decided. What the story goes on with is the answer, and the ids that were drawn for it. */
export interface Step {
  readonly meta: EventMeta;
  readonly decide: (view: StateView, context: CommandContext) => Decision<unknown>;
}
export interface Told {
  readonly answer: unknown;
  readonly ids: readonly string[];
}
export type Story = Generator<Step, void, Told>;

export interface StoryOptions {
  readonly id: string;
  /** How many versions it has, each with a deployment, and how many allocations are placed in all. */
  readonly versions: number;
  readonly allocations: number;
  readonly nodes: readonly { readonly id: string; readonly name: string }[];
  readonly chance: Chance;
}

interface Alloc {
  readonly id: string;
  readonly name: string;
  readonly nodeId: string;
  started: TimeUs;
}

/** How a version fares: rolled out, with a canary first, or failed by a person; the last one may wait or be paused instead. */
type Fate = 'rolling' | 'canary' | 'failed' | 'waiting' | 'paused';

const WAVES = 3;
const CANARIES = 2;
/** Allocations of a job that one node has, at most: its agent reports them together. */
const ON_A_NODE = 8;
const PEOPLE = ['alice', 'bela', 'chidi', 'dana', 'emre', 'fatima'];
const RELEASE_REASONS = ['release', 'hotfix: timeouts', 'more memory', 'new feature flag', 'dependency update'];
const PROMOTE_REASONS = ['error rate is fine', 'latency as before', 'approved by on-call'];
const FAIL_REASONS = ['too many errors', 'wrong build', 'alert: p99 doubled'];
const NOT_NEEDED = 'alloc not needed due to job update';

/** The life of a job, from its first registration on, commit by commit. */
export class JobStory {
  private live: Alloc[] = [];
  private placed = 0;

  constructor(private readonly options: StoryOptions) {}

  *tell(): Story {
    const { versions, chance } = this.options;
    const roll = chance.number();
    const ending: Fate | undefined = roll < 0.03 && versions > 1 ? 'waiting' : roll < 0.04 ? 'paused' : undefined;
    for (let version = 0; version < versions; version++) {
      const left = versions - version;
      const fate = left === 1 && ending !== undefined ? ending : this.fateOf(version);
      yield* this.version(version, fate, this.quotaOf(left, ending));
    }
    if (versions > 0 && ending === undefined && chance.number() < 0.06) yield* this.stopped();
  }

  private fateOf(version: number): Fate {
    const roll = this.options.chance.number();
    if (version === 0) return 'rolling';
    if (roll < 0.12) return 'failed';
    return roll < 0.35 ? 'canary' : 'rolling';
  }

  /** What a version may place. One that waits for its promotion has placed its canaries only. */
  private quotaOf(left: number, ending: Fate | undefined): number {
    const unplaced = this.options.allocations - this.placed;
    if (left === 1) return unplaced;
    if (ending !== 'waiting') return Math.round(unplaced / left);
    return Math.max(0, Math.round((unplaced - CANARIES) / (left - 1)));
  }

  private *version(version: number, fate: Fate, quota: number): Story {
    const { id, chance } = this.options;
    const crashes =
      fate === 'rolling' || fate === 'canary'
        ? Math.min(quota, Math.floor(quota * 0.04 * chance.number() + chance.number()))
        : 0;
    const count = fate === 'waiting' ? this.live.length : quota - crashes;
    const canaries = fate === 'canary' || fate === 'waiting' ? Math.min(CANARIES, quota) : 0;
    const spec = specOf(id, count, canaries, `${version + 1}.${chance.below(100)}`);
    const evaluation = (
      (yield this.person(chance.pick(RELEASE_REASONS), (view, context) =>
        registerJob(view, context, { spec, enforceIndex: null, evalPriority: 0 }),
      )).answer as JobAnswer
    ).evalId;
    const deploymentId = chance.uuid();
    const begins = { desiredTotal: count, desiredCanaries: canaries };
    const of = { jobId: id, deploymentId };
    const old = this.live;
    this.live = [];
    if (canaries > 0) {
      const first = this.place(canaries, 0, true);
      yield this.pass({ ...of, evaluation, begins, place: first });
      yield* this.comeUp(this.live, 'healthy');
      if (fate === 'waiting') {
        this.live.push(...old);
        return;
      }
      const promoted = yield this.person(chance.pick(PROMOTE_REASONS), (view, context) =>
        promoteDeployment(view, context, { deploymentId, all: true, groups: [] }),
      );
      yield* this.waves({ ...of, evaluation: evalOf(promoted) }, count - canaries, old, canaries);
    } else yield* this.waves({ ...of, evaluation, begins }, count, old, 0, fate);
    if (fate === 'failed')
      yield* this.judged(of, (view, context) => failDeployment(view, context, { deploymentId }), FAIL_REASONS);
    else if (fate === 'paused')
      yield this.person('change freeze', (view, context) =>
        pauseDeployment(view, context, { deploymentId, pause: true }),
      );
    else {
      yield* this.progressed(of, { ends: 'successful' });
      yield* this.crash(crashes);
    }
  }

  /** Places some at a time and stops as many of the version before; the rest of those with the last ones. */
  private *waves(
    pass: Omit<Pass, 'place' | 'stop'>,
    count: number,
    old: Alloc[],
    from: number,
    fate: Fate = 'rolling',
  ): Story {
    const size = Math.max(1, Math.ceil(count / WAVES));
    let { evaluation } = pass;
    for (let done = 0, first = true; first || done < count; done += size, first = false) {
      const wave = Math.min(size, count - done);
      const isLast = done + wave >= count;
      const going = old.splice(0, isLast ? old.length : wave);
      if (!first) evaluation = yield* this.progress(pass.deploymentId);
      const before = this.live.length;
      const place = this.place(wave, from + done, false);
      const { begins, ...of } = pass;
      yield this.pass({
        ...of,
        evaluation,
        ...(first && begins && { begins }),
        place,
        stop: going.map(({ id }) => ({ id, why: NOT_NEEDED })),
      });
      yield* this.report(going, 'complete');
      const health = fate === 'failed' && isLast ? 'unhealthy' : 'healthy';
      yield* this.comeUp(this.live.slice(before), health);
    }
  }

  /** Some fail after their rollout, and are placed anew. */
  private *crash(crashes: number): Story {
    const { chance, id: jobId } = this.options;
    for (let n = 0; n < crashes && this.live.length > 0; n++) {
      const [failed] = this.live.splice(chance.below(this.live.length), 1) as [Alloc];
      const told: Told[] = [];
      yield* this.report([failed], 'failed', told);
      const evaluation = told[0]!.ids[0]!;
      const [again] = this.place(1, 0, false) as [PlacedOn];
      const event = { rescheduleTime: failed.started, prevAllocId: failed.id, prevNodeId: failed.nodeId, delay: 30e9 };
      const place = {
        ...again,
        name: failed.name,
        previousAllocation: failed.id,
        rescheduleTracker: { events: [event], lastReschedule: 'ok' },
      };
      const stop = [{ id: failed.id, why: 'alloc was rescheduled because it failed' }];
      yield this.pass({ jobId, evaluation, deploymentId: '', place: [place], stop });
      yield* this.report(this.live.slice(-1), 'running');
    }
  }

  private *stopped(): Story {
    const { id: jobId } = this.options;
    const told = yield this.person('no longer needed', (view, context) =>
      deregisterJob(view, context, {
        ...{ namespace: 'default', jobId, purge: false, evalPriority: 0, noShutdownDelay: false },
        ...{ allocationIds: [], deploymentIds: [], evaluationIds: [] },
      }),
    );
    const stop = this.live.map(({ id }) => ({ id, why: 'alloc not needed as job is stopped' }));
    yield this.pass({ jobId, evaluation: (told.answer as JobAnswer).evalId, deploymentId: '', stop });
    yield* this.report(this.live, 'complete');
  }

  /** A person's word on a deployment, and the evaluation that follows. */
  private *judged(of: Pick<Pass, 'jobId' | 'deploymentId'>, decide: Step['decide'], reasons: readonly string[]): Story {
    const told = yield this.person(this.options.chance.pick(reasons), decide);
    yield this.pass({ ...of, evaluation: evalOf(told) });
  }

  private *progressed(of: Pick<Pass, 'jobId' | 'deploymentId'>, more: Partial<Pass>): Story {
    const evaluation = yield* this.progress(of.deploymentId);
    yield this.pass({ ...of, evaluation, ...more });
  }

  /** The deployment watcher asks for an evaluation. */
  private *progress(deploymentId: string): Generator<Step, string, Told> {
    const told = yield {
      meta: { actor: SCHEDULER, causation: deploymentId },
      decide: (view, context) => progressDeployment(view, context, { deploymentId, replace: [] }),
    };
    return evalOf(told);
  }

  /** Allocations start and show how they are. */
  private *comeUp(allocs: readonly Alloc[], health: 'healthy' | 'unhealthy'): Story {
    yield* this.report(allocs, 'running');
    yield* this.report(allocs, health);
  }

  /** Each node's agent reports its allocations together. */
  private *report(allocs: readonly Alloc[], what: Parameters<typeof reportOf>[1], told: Told[] = []): Story {
    for (let from = 0; from < allocs.length;) {
      const { nodeId } = allocs[from]!;
      let to = from + 1;
      while (allocs[to]?.nodeId === nodeId) to++;
      const ofNode = allocs.slice(from, to);
      from = to;
      const answer = yield {
        meta: { actor: `node ${nodeId}` },
        decide: (view, { now, ...context }) => {
          if (what === 'running') for (const alloc of ofNode) alloc.started = now;
          const reports = ofNode.map(({ id, started }) => reportOf(id, what, started, now));
          return reportAllocations(view, { now, ...context }, { nodeId, reports });
        },
      };
      told.push(answer);
    }
  }

  private place(count: number, from: number, canary: boolean): PlacedOn[] {
    const { id: jobId, nodes, chance } = this.options;
    const placed: PlacedOn[] = [];
    while (placed.length < count) {
      const [node, other] = [chance.pick(nodes), chance.pick(nodes)];
      const together = Math.min(1 + chance.below(ON_A_NODE), count - placed.length);
      for (let n = 0; n < together; n++) {
        const alloc = { id: chance.uuid(), name: `${jobId}.web[${from + placed.length}]`, nodeId: node.id };
        this.live.push({ ...alloc, started: 0 });
        placed.push({
          ...alloc,
          nodeName: node.name,
          metrics: metricsOf(chance, [node.id, other.id], nodes.length),
          ...(canary && { canary }),
        });
      }
    }
    this.placed += count;
    return placed;
  }

  private pass(pass: Pass): Step {
    return {
      meta: { actor: SCHEDULER, causation: pass.evaluation },
      decide: (view, context) => passed(view, context, pass),
    };
  }

  private person(reason: string, decide: Step['decide']): Step {
    const { chance } = this.options;
    const meta = {
      actor: chance.pick(PEOPLE),
      remoteAddress: `10.1.${chance.below(256)}.${chance.below(256)}`,
      reason,
      requestId: chance.uuid(),
    };
    return { meta, decide };
  }
}

const SCHEDULER = 'scheduler rollbook-1';
const evalOf = (told: Told): string => (told.answer as { readonly evalId: string }).evalId;
