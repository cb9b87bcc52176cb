import {
  collectDeployments,
  collectEvaluations,
  collectJob,
  collectNode,
  NO_THRESHOLDS,
  PURGED_PER_COMMAND,
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
  type Index,
  type StreamName,
  type TimeUs,
} from '@app/kernel';
import type { Belongings, GarbagePage, GarbageSource } from '@app/read-models';
import { Looks } from './looks.js';
import type { Reactor, ReactorContext } from './reactor.js';

/** How often garbage is looked for, milliseconds. Nomad: five minutes for every kind. */
export const GARBAGE_INTERVAL_MS = 5 * 60_000;
/** Objects that one command collects: enough to be quick, few enough to keep the commits of others small. */
const PER_COMMAND = 50;

type Execute = ReactorContext['execute'];
/** Where candidates come from: the read models in the product. */
export type GarbageFinder = Pick<
  GarbageSource,
  'evaluations' | 'deployments' | 'jobs' | 'nodes' | 'belongings' | 'judge'
>;

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
    (found) => inParts(found, (part) => takeEvaluations(execute, part, thresholds)),
  );
  await eachPage(
    isCancelled,
    faults,
    (after) => source.jobs(now - thresholds.job, after),
    async (found) => {
      for (const { namespace, jobId } of found) {
        await faults.of(() => takeJob(source, execute, { namespace, jobId }, thresholds, now));
      }
    },
  );
  await eachPage(
    isCancelled,
    faults,
    (after) => source.deployments(now - thresholds.deployment, after),
    (found) => inParts(found, (part) => takeDeployments(execute, part, thresholds)),
  );
  for (const { id, allocationIds } of isCancelled() ? [] : await source.nodes()) {
    // Rows say that all of these live: the node is looked at again when they have become fewer.
    if (allocationIds.length > PURGED_PER_COMMAND) continue;
    const reads = [nodeStream(id), ...allocationIds.map(allocationStream)];
    const command = { nodeId: id, allocationIds, thresholds };
    await faults.of(async () => {
      done(await execute('CollectNode', (view, context) => collectNode(view, context, command), undefined, reads));
    });
  }
  faults.tell();
}

type WithAllocations = { readonly allocationIds: readonly string[] };

/** Takes objects one command after the other, each with as many as have no more allocations together than a command may look at; larger ones alone. */
async function inParts<T extends WithAllocations>(
  found: readonly T[],
  take: (part: readonly T[]) => Promise<void>,
): Promise<void> {
  let part: T[] = [];
  let allocations = 0;
  for (const one of found) {
    if (part.length > 0 && allocations + one.allocationIds.length > PURGED_PER_COMMAND) {
      await take(part);
      [part, allocations] = [[], 0];
    }
    part.push(one);
    allocations += one.allocationIds.length;
  }
  await take(part);
}

type FoundEvaluation = WithAllocations & { readonly id: string; readonly namespace: string; readonly jobId: string };

async function takeEvaluations(
  execute: Execute,
  found: readonly FoundEvaluation[],
  thresholds: GarbageThresholds,
): Promise<void> {
  const [first] = found;
  if (first !== undefined && first.allocationIds.length > PURGED_PER_COMMAND)
    return takeLargeEvaluation(execute, first, thresholds);
  await collectSome(execute, found, thresholds, false);
}

/** An evaluation with more allocations than a command can carry: they go first, part by part, and it goes when all of them could. */
async function takeLargeEvaluation(
  execute: Execute,
  evaluation: FoundEvaluation,
  thresholds: GarbageThresholds,
): Promise<void> {
  const { allocationIds } = evaluation;
  for (let i = 0; i < allocationIds.length; i += PURGED_PER_COMMAND) {
    const part = { ...evaluation, allocationIds: allocationIds.slice(i, i + PURGED_PER_COMMAND) };
    if ((await collectSome(execute, [part], thresholds, true)) === 0) return;
  }
  await collectSome(execute, [{ ...evaluation, allocationIds: [] }], thresholds, false);
}

/** The index at which some of it was collected; 0: none could be. */
async function collectSome(
  execute: Execute,
  found: readonly FoundEvaluation[],
  thresholds: GarbageThresholds,
  leavesMore: boolean,
): Promise<Index> {
  const evaluations = found.map(({ id, allocationIds }) => ({ evaluationId: id, allocationIds, leavesMore }));
  const reads = found.flatMap(({ id, namespace, jobId, allocationIds }) => [
    evaluationStream(id),
    jobStream(namespace, jobId),
    ...allocationIds.map(allocationStream),
  ]);
  return done(
    await execute(
      'CollectEvaluations',
      (view, context) => collectEvaluations(view, context, { evaluations, thresholds }),
      undefined,
      unique(reads),
    ),
  );
}

async function takeJob(
  source: GarbageFinder,
  execute: Execute,
  { namespace, jobId }: { readonly namespace: string; readonly jobId: string },
  thresholds: GarbageThresholds,
  now: TimeUs,
): Promise<void> {
  const found = await source.belongings(namespace, jobId, PURGED_PER_COMMAND + 1);
  const isLarge = Object.values(found).some((ids: Belongings[keyof Belongings]) => ids.length > PURGED_PER_COMMAND);
  const judgedAt = isLarge ? await source.judge(namespace, jobId, now - thresholds.job) : undefined;
  if (isLarge && judgedAt === undefined) return;
  const some = (ids: readonly string[]): readonly string[] => ids.slice(0, PURGED_PER_COMMAND);
  const belongings = {
    evaluationIds: some(found.evaluationIds),
    allocationIds: some(found.allocationIds),
    deploymentIds: some(found.deploymentIds),
  };
  const command = { namespace, jobId, ...belongings, thresholds, ...(judgedAt !== undefined && { judgedAt }) };
  const reads = [jobStream(namespace, jobId), jobSummaryStream(namespace, jobId), ...streamsOf(belongings)];
  done(await execute('CollectJob', (view, context) => collectJob(view, context, command), undefined, reads));
}

async function takeDeployments(
  execute: Execute,
  found: readonly (WithAllocations & { readonly id: string })[],
  thresholds: GarbageThresholds,
): Promise<void> {
  // Of a large one the rows are believed that said that none of its allocations lives: what has ended gets no new ones.
  const deployments = found.map(({ id, allocationIds }) => ({
    deploymentId: id,
    allocationIds: allocationIds.slice(0, PURGED_PER_COMMAND),
  }));
  const reads = deployments.flatMap(({ deploymentId, allocationIds }) => [
    deploymentStream(deploymentId),
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

/** The index of what was collected; 0: nothing. */
function done(outcome: Outcome<unknown>): Index {
  if (outcome.kind === 'accepted') return outcome.index;
  if (outcome.kind === 'fenced') return 0;
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
