import {
  collectDeployments,
  collectEvaluations,
  collectJob,
  collectNode,
  NO_THRESHOLDS,
  reconcileSummary,
  type GarbageThresholds,
} from '@app/domain';
import { isStoreOutage, StoreUnavailable, type Command, type CommandHandler, type Outcome } from '@app/event-store';
import {
  allocationStream,
  deploymentStream,
  evaluationStream,
  jobStream,
  jobSummaryStream,
  nodeStream,
  type EventMeta,
  type StreamName,
  type TimeUs,
} from '@app/kernel';
import type { GarbagePage, GarbageSource } from '@app/read-models';
import { Looks } from './looks.js';
import type { Reactor, ReactorContext } from './reactor.js';

/** How often garbage is looked for, milliseconds. Nomad: five minutes for every kind. */
export const GARBAGE_INTERVAL_MS = 5 * 60_000;
/** Objects that one command collects: enough to be quick, few enough to keep the commits of others small. */
const PER_COMMAND = 50;

type Execute = ReactorContext['execute'];
/** Where candidates come from: the read models in the product. */
export type GarbageFinder = Pick<GarbageSource, 'evaluations' | 'deployments' | 'jobs' | 'nodes' | 'belongings'>;

/** Collects what has been over for long enough, on the leader. Hidden from then on as Nomad hides it; the log and the histories keep it. */
export class GarbageCollector implements Reactor {
  private readonly looks: Looks;
  private stopped = false;

  constructor(
    context: ReactorContext,
    source: GarbageSource,
    thresholds: GarbageThresholds,
    intervalMs = GARBAGE_INTERVAL_MS,
  ) {
    const look = (): Promise<void> => sweep(source, context.execute, thresholds, context.now(), () => this.stopped);
    this.looks = new Looks(look, intervalMs, context.onError);
  }

  start(): void {
    this.looks.start();
  }

  react(): void {
    // Age is what makes garbage: nothing that moves is.
  }

  stop(): Promise<void> {
    this.stopped = true;
    return this.looks.stop();
  }
}

/**
 * One look at everything, evaluations first: a job goes only when they can go. What cannot be collected is left, and the sweep goes on.
 * @throws AggregateError in the end, of some of what went wrong; StoreUnavailable at once.
 */
export async function sweep(
  source: GarbageFinder,
  execute: Execute,
  thresholds: GarbageThresholds,
  now: TimeUs,
  isCancelled: () => boolean = () => false,
): Promise<void> {
  const faults = new Faults();
  const ended = { batch: now - thresholds.batchEvaluation, others: now - thresholds.evaluation };
  await eachPage(
    isCancelled,
    faults,
    (after) => source.evaluations(ended, after),
    async (found) => {
      const evaluations = found.map(({ id, allocationIds }) => ({ evaluationId: id, allocationIds }));
      const reads = found.flatMap(({ id, namespace, jobId, allocationIds }) => [
        evaluationStream(id),
        jobStream(namespace, jobId),
        ...allocationIds.map(allocationStream),
      ]);
      done(
        await execute(
          'CollectEvaluations',
          (view, context) => collectEvaluations(view, context, { evaluations, thresholds }),
          undefined,
          unique(reads),
        ),
      );
    },
  );
  await eachPage(
    isCancelled,
    faults,
    (after) => source.jobs(now - thresholds.job, after),
    async (found) => {
      for (const { namespace, jobId } of found) {
        await faults.of(async () => {
          const belongings = await source.belongings(namespace, jobId);
          const reads = [jobStream(namespace, jobId), jobSummaryStream(namespace, jobId), ...streamsOf(belongings)];
          done(
            await execute(
              'CollectJob',
              (view, context) => collectJob(view, context, { namespace, jobId, ...belongings, thresholds }),
              undefined,
              reads,
            ),
          );
        });
      }
    },
  );
  await eachPage(
    isCancelled,
    faults,
    (after) => source.deployments(now - thresholds.deployment, after),
    async (found) => {
      const deployments = found.map(({ id, allocationIds }) => ({ deploymentId: id, allocationIds }));
      const reads = found.flatMap(({ id, allocationIds }) => [
        deploymentStream(id),
        ...allocationIds.map(allocationStream),
      ]);
      done(
        await execute(
          'CollectDeployments',
          (view, context) => collectDeployments(view, context, { deployments, thresholds }),
          undefined,
          unique(reads),
        ),
      );
    },
  );
  for (const { id, allocationIds } of isCancelled() ? [] : await source.nodes()) {
    const reads = [nodeStream(id), ...allocationIds.map(allocationStream)];
    await faults.of(async () =>
      done(
        await execute(
          'CollectNode',
          (view, context) => collectNode(view, context, { nodeId: id, allocationIds, thresholds }),
          undefined,
          reads,
        ),
      ),
    );
  }
  faults.tell();
}

/** Faults that a sweep keeps to tell of. */
const KEPT_FAULTS = 10;

/** What went wrong with single items of a sweep. */
class Faults {
  private count = 0;
  private readonly kept: unknown[] = [];

  /** Does something with one item. @throws StoreUnavailable: the others would fare no better */
  async of(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof StoreUnavailable || isStoreOutage(error)) throw error;
      this.count++;
      if (this.kept.length < KEPT_FAULTS) this.kept.push(error);
    }
  }

  /** @throws AggregateError if there were any */
  tell(): void {
    if (this.count > 0) throw new AggregateError(this.kept, `garbage was left ${this.count} times`);
  }
}

/** What operators ask for by hand; done by whichever instance they ask. */
export class Housekeeping {
  constructor(
    private readonly source: GarbageSource,
    private readonly handler: CommandHandler,
    private readonly clock: () => TimeUs,
  ) {}

  /** Collects everything that is over, however short a time ago. */
  collectGarbage(meta: EventMeta): Promise<void> {
    return sweep(this.source, this.execute(meta), NO_THRESHOLDS, this.clock());
  }

  /** Counts the allocations of every job anew. */
  async reconcileSummaries(meta: EventMeta): Promise<void> {
    const execute = this.execute(meta);
    for (const { namespace, jobId } of await this.source.summarisedJobs()) {
      const { allocationIds, deploymentIds } = await this.source.belongings(namespace, jobId);
      const command = { namespace, jobId, allocationIds, deploymentIds };
      const reads = [
        jobSummaryStream(namespace, jobId),
        ...streamsOf({ allocationIds, deploymentIds, evaluationIds: [] }),
      ];
      done(
        await execute(
          'ReconcileSummary',
          (view, context) => reconcileSummary(view, context, command),
          undefined,
          reads,
        ),
      );
    }
  }

  private execute(meta: EventMeta): Execute {
    return <A>(name: string, decide: Command<A>['decide'], _causation?: string, reads?: readonly StreamName[]) =>
      this.handler.execute({ name, decide, meta, ...(reads === undefined ? {} : { reads }) });
  }
}

/** In pages of the database, and of a page in parts of one command each. */
async function eachPage<T>(
  isCancelled: () => boolean,
  faults: Faults,
  load: (after: string) => Promise<GarbagePage<T>>,
  take: (found: readonly T[]) => Promise<void>,
): Promise<void> {
  for (let after: string | undefined = ''; after !== undefined && !isCancelled();) {
    const { found, next } = await load(after);
    for (let i = 0; i < found.length && !isCancelled(); i += PER_COMMAND)
      await faults.of(() => take(found.slice(i, i + PER_COMMAND)));
    after = next;
  }
}

function done(outcome: Outcome<unknown>): void {
  if (outcome.kind !== 'accepted' && outcome.kind !== 'fenced')
    throw new Error(`garbage was not collected: ${outcome.kind}`);
}

const unique = (streams: readonly StreamName[]): StreamName[] => [...new Set(streams)];

const streamsOf = (belongings: {
  readonly evaluationIds: readonly string[];
  readonly allocationIds: readonly string[];
  readonly deploymentIds: readonly string[];
}): StreamName[] => [
  ...belongings.evaluationIds.map(evaluationStream),
  ...belongings.allocationIds.map(allocationStream),
  ...belongings.deploymentIds.map(deploymentStream),
];
