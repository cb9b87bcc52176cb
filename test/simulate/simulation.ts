import {
  computedClass,
  GARBAGE_THRESHOLDS,
  heartbeatNode,
  isTerminal,
  registerNode,
  type AllocationState,
  type DeploymentState,
  type EvaluationState,
} from '@app/domain';
import { US_PER_MS, US_PER_S, type TimeUs } from '@app/kernel';
import {
  DeploymentWatcher,
  Drainer,
  PeriodicLauncher,
  Scheduler,
  sweep,
  type GarbageFinder,
  type Reactor,
  type ReactorContext,
} from '@app/reactors';
import { node } from '../../libs/scheduling/testing/specs.js';
import { Clients } from './clients.js';
import { jobOf, SIZE_OF_ONE, type Kind } from './jobs.js';
import { Invariants, Violation } from './invariants.js';
import { MemoryLog } from './memory-log.js';
import { Operators } from './operators.js';
import { randomOf } from './random.js';
import { unsettled } from './rest.js';
import { VirtualTimers } from './virtual-timers.js';

/*
 * The decisions, the scheduler, the deployment watcher and the drainer as they are in the product, on a log in memory, with timers of virtual
 * time. Only what touches the world outside is played: agents, operators, failing machines, heartbeats.
 */

export interface SimulationOptions {
  readonly nodes: number;
  readonly allocs: number;
  readonly seed: number;
  /** Virtual hours of trouble; after them everything must come to rest. */
  readonly hours: number;
  /** Something happens about this often, in virtual milliseconds. */
  readonly everyMs?: number;
}

export interface SimulationReport {
  readonly virtualHours: number;
  readonly commits: number;
  readonly events: number;
  readonly seconds: number;
  readonly placed: number;
  readonly deployments: Readonly<Record<string, number>>;
}

const START: TimeUs = 1_767_225_600 * US_PER_S;
const HOUR_MS = 3_600_000;
const COUNT = 500;
const LOOK_MS = 60_000;
const GARBAGE_MS = 30 * 60_000;
/** Rescheduling backs off for up to an hour: so long what has failed may need to be tried again. */
const CALM_HOURS = 6;
const SPARE_ROOM = 1.4;
const OTHER_KINDS = ['batch', 'system', 'sysbatch', 'periodic', 'parameterized'] as const;
const BATCH_COUNT = 20;

const countOf = (kind: Kind, { nodes }: SimulationOptions): number => (kind === 'system' ? nodes : BATCH_COUNT);

/** Runs one simulation. @throws Violation, with the virtual time, at the first thing that must not be. */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const timers = new VirtualTimers();
  timers.install();
  try {
    return await run(options, timers);
  } finally {
    timers.restore();
  }
}

async function run(options: SimulationOptions, timers: VirtualTimers): Promise<SimulationReport> {
  const began = performance.now();
  const random = randomOf(options.seed);
  const now = (): TimeUs => START + Math.round(timers.ms * US_PER_MS);
  const log = new MemoryLog(now, random.uuid);
  const invariants = new Invariants(log);
  const tally = { placed: 0, deployments: {} as Record<string, number>, faults: [] as unknown[] };
  const reactors = reactorsOn(log, now, random.uuid, (error) => tally.faults.push(error));
  // The reactors first: what they are told is what every other listener sees, too.
  log.onCommit(({ movements }) => {
    for (const reactor of reactors) reactor.react(movements);
  });
  log.onCommit((commit) => {
    invariants.check(commit);
    for (const { type } of commit.events.map(({ event }) => event)) {
      if (type === 'AllocationPlaced') tally.placed++;
      else if (/^Deployment(Created|Succeeded|Failed|Cancelled|Promoted)$/.test(type))
        tally.deployments[type] = (tally.deployments[type] ?? 0) + 1;
    }
  });
  const clients = new Clients(log, timers, random, now);
  addNodes(log, options);
  for (const reactor of reactors) reactor.start();
  const jobs = Math.max(1, Math.round(options.allocs / COUNT));
  const operators = new Operators(log, timers, random, clients, options.everyMs ?? 4_000, now);
  for (const kind of OTHER_KINDS) operators.register(jobOf(kind, kind, countOf(kind, options), random));
  for (let i = 0; i < jobs; i++)
    operators.register(jobOf('service', `job-${i}`, Math.ceil(options.allocs / jobs), random));
  timers.after(HOUR_MS / 12, () => operators.start());

  const until = async (ms: number, isOver: () => boolean = () => false): Promise<void> => {
    for (let look = timers.ms + LOOK_MS, collect = timers.ms + GARBAGE_MS; timers.ms < ms;) {
      if (await timers.step(Math.min(look, ms))) continue;
      if (tally.faults.length > 0) throw tally.faults[0];
      look = timers.ms + LOOK_MS;
      invariants.checkMoved(now());
      if (timers.ms >= collect) {
        invariants.checkAll(now());
        collect = timers.ms + GARBAGE_MS;
        await sweep(garbageOf(log), execute(log), GARBAGE_THRESHOLDS, now());
      }
      if (isOver()) return;
    }
  };
  try {
    await until(options.hours * HOUR_MS);
    operators.calmDown();
    await until(timers.ms + CALM_HOURS * HOUR_MS, () => {
      operators.tidyUp();
      return unsettled(log).length === 0;
    });
    invariants.checkAll(now());
    const complaints = unsettled(log);
    if (complaints.length > 0)
      throw new Violation(`nothing fails any more, and yet: ${complaints.slice(0, 5).join('; ')}`);
  } catch (error) {
    const at = (timers.ms / HOUR_MS).toFixed(3);
    if (error instanceof Error)
      error.message = `seed ${options.seed}, after ${at} virtual hours (index ${log.index}): ${error.message}`;
    throw error;
  } finally {
    await Promise.all(reactors.map((reactor) => reactor.stop()));
  }
  return {
    virtualHours: timers.ms / HOUR_MS,
    commits: log.index,
    events: log.events,
    seconds: (performance.now() - began) / 1000,
    placed: tally.placed,
    deployments: tally.deployments,
  };
}

const execute =
  (log: MemoryLog): ReactorContext['execute'] =>
  async (name, decide) => {
    // As in the product, what a reactor commands is decided after it has gone on, and others may have been faster.
    await Promise.resolve();
    return log.execute(name, decide);
  };

function reactorsOn(
  log: MemoryLog,
  now: () => TimeUs,
  newId: () => string,
  onError: (error: unknown) => void,
): readonly Reactor[] {
  const context: ReactorContext = {
    cluster: log.cluster,
    execute: execute(log),
    reached: () => Promise.resolve(),
    caughtUp: () => Promise.resolve(),
    now,
    newId,
    onError,
  };
  return [
    // In virtual time a selection takes none: a seed always gives the same log.
    new Scheduler(context, { signingKeyId: 'none', elapsed: () => 0 }),
    new DeploymentWatcher(context),
    new Drainer(context),
    new PeriodicLauncher(context),
  ];
}

function addNodes(log: MemoryLog, { nodes, allocs }: SimulationOptions): void {
  const room = Math.ceil((allocs / nodes + OTHER_KINDS.length) * SIZE_OF_ONE * SPARE_ROOM) + SIZE_OF_ONE;
  for (let i = 0; i < nodes; i++) {
    const plain = node(`node-${String(i).padStart(5, '0')}`);
    const { Cpu } = plain.NodeResources;
    const description = {
      ...plain,
      NodeResources: {
        ...plain.NodeResources,
        Cpu: { ...Cpu, CpuShares: room },
        Memory: { MemoryMB: room },
        Disk: { DiskMB: room * 10 },
      },
    };
    const command = { description, secretDigest: '', computedClass: computedClass(description), affected: [] };
    log.execute('RegisterNode', (view, context) => registerNode(view, context, command));
    log.execute('HeartbeatNode', (view, context) =>
      heartbeatNode(view, context, { nodeId: description.ID, affected: [], hasLiveAllocations: false }),
    );
  }
}

/** What the database finds in the product. */
function garbageOf(log: MemoryLog): GarbageFinder {
  const all = <S>(kind: string): S[] => [...log.streams(kind)].map((stream) => log.read<S>(stream)!);
  const page = <T>(found: readonly T[]): Promise<{ found: readonly T[]; next: undefined }> =>
    Promise.resolve({ found, next: undefined });
  const byEvaluation = new Map<string, AllocationState[]>();
  const byDeployment = new Map<string, AllocationState[]>();
  const add = (to: Map<string, AllocationState[]>, key: string, alloc: AllocationState): void => {
    const known = to.get(key);
    if (known === undefined) to.set(key, [alloc]);
    else known.push(alloc);
  };
  for (const alloc of all<AllocationState>('allocation/')) {
    add(byEvaluation, alloc.evalId, alloc);
    add(byDeployment, alloc.deploymentId, alloc);
  }
  const ids = (allocs: readonly AllocationState[] = []): string[] => allocs.map((alloc) => alloc.id);
  return {
    evaluations: (cutoff) =>
      page(
        all<EvaluationState>('evaluation/')
          .filter(({ type, modifyTime }) => modifyTime <= (type === 'batch' ? cutoff.batch : cutoff.others))
          .filter((one) => (byEvaluation.get(one.id) ?? []).every(isTerminal))
          .map(({ id, namespace, jobId }) => ({ id, namespace, jobId, allocationIds: ids(byEvaluation.get(id)) })),
      ),
    deployments: (cutoff) =>
      page(
        all<DeploymentState>('deployment/')
          .filter((one) => one.modifyTime <= cutoff)
          .map(({ id }) => ({ id, allocationIds: ids(byDeployment.get(id)) })),
      ),
    // Jobs and nodes come back: their garbage is tested by itself.
    jobs: () => page([]),
    nodes: () => Promise.resolve([]),
    belongings: () => Promise.resolve({ evaluationIds: [], allocationIds: [], deploymentIds: [] }),
    judge: () => Promise.resolve(undefined),
  };
}
