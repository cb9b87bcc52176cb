import { GARBAGE_THRESHOLDS } from '@app/domain';
import { GarbageSource } from '@app/read-models';
import {
  ClusterState,
  DeploymentWatcher,
  Drainer,
  GarbageCollector,
  HeartbeatWatcher,
  KeyringKeeper,
  Leader,
  LockWatcher,
  PeriodicLauncher,
  PurgeSweeper,
  restoreCluster,
  Scheduler,
  type SchedulerMetrics,
  SCHEDULER_LEASE,
  TokenReaper,
} from '@app/reactors';
import { Counter, elapsedNs, type Logger, type Shutdown } from '@app/platform';
import type { Core } from './core.js';
import { untilAnswered } from './until-answered.js';

/** Follows the cluster and tries to lead: the scheduler role. */
export async function startReactors(core: Core, log: Logger, shutdown: Shutdown): Promise<ClusterState> {
  const { store, tail, handler, clock, readModels, heartbeats, dataSource, keyring, variables, renewals } = core;
  const cluster = new ClusterState();
  const { storeEpoch } = await untilAnswered('Postgres', log, () => store.readHead());
  const onError = (err: unknown): void => log.warn({ err }, 'a reactor will try again');
  const metrics = schedulerMetrics(core);
  const restore = (): Promise<void> => restoreCluster(cluster, store, readModels);
  const leader = new Leader({
    leases: store,
    handler,
    tail,
    cluster,
    restore,
    holder: core.instance,
    clock: clock.now,
    onError,
    onChange: (leads) => log.info({ leads }, leads ? 'leading' : 'no longer leading'),
    reactors: (context) => [
      new Scheduler(context, { signingKeyId: storeEpoch, elapsed: elapsedNs, metrics }),
      new DeploymentWatcher(context),
      new Drainer(context),
      new GarbageCollector(context, new GarbageSource(dataSource), GARBAGE_THRESHOLDS),
      new PurgeSweeper(context, new GarbageSource(dataSource)),
      new PeriodicLauncher(context),
      new KeyringKeeper(context, keyring, {
        encryptedBy: (...query) => variables.encryptedBy(...query),
        load: (streams) => store.load(streams),
      }),
      new LockWatcher(context, renewals),
      new TokenReaper(context, readModels),
      new HeartbeatWatcher(context, () => heartbeats.ages()),
    ],
  });
  await untilAnswered('Postgres', log, restore);
  await leader.start();
  shutdown.on('leases', 'leader', () => leader.close());
  core.watchLease(SCHEDULER_LEASE, () => leader.heldEpoch);
  return cluster;
}

function schedulerMetrics({ metrics }: Core): SchedulerMetrics {
  const registers = [metrics.registry];
  const passes = new Counter({
    name: 'rollbook_scheduler_passes_failed_total',
    help: 'Passes over an evaluation that threw. Each is tried again, with growing pauses.',
    registers,
  });
  const evaluations = new Counter({
    name: 'rollbook_scheduler_evaluations_failed_total',
    help: 'Evaluations that were ended as failed because every pass over them threw.',
    registers,
  });
  return { passThrew: () => passes.inc(), evaluationFailed: () => evaluations.inc() };
}
