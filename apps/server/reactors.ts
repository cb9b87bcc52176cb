import { GARBAGE_THRESHOLDS } from '@app/domain';
import { GarbageSource } from '@app/read-models';
import {
  ClusterState,
  DeploymentWatcher,
  EvaluationMeter,
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
import { counterOf, elapsedNs, type Logger, type Shutdown } from '@app/platform';
import type { Core } from './core.js';
import { evaluationMetricsOf, showTally } from './domain-metrics.js';
import { untilAnswered } from './until-answered.js';

/** Follows the cluster and tries to lead: the scheduler role. */
export async function startReactors(core: Core, log: Logger, shutdown: Shutdown): Promise<ClusterState> {
  const { store, tail, handler, clock, readModels, heartbeats, dataSource, keyring, variables, renewals } = core;
  const cluster = new ClusterState();
  const { storeEpoch } = await untilAnswered('Postgres', log, () => store.readHead());
  const onError = (err: unknown): void => log.warn({ err }, 'a reactor will try again');
  const metrics = schedulerMetrics(core);
  const evaluationMetrics = evaluationMetricsOf(core);
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
      new EvaluationMeter(evaluationMetrics),
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
  // Counted by who leads: sums over instances are right.
  showTally(core, () => (leader.heldEpoch > 0 && cluster.isComplete ? cluster : undefined));
  return cluster;
}

function schedulerMetrics({ metrics }: Core): SchedulerMetrics {
  const passes = counterOf(metrics, 'rollbook_scheduler_passes_failed_total');
  const evaluations = counterOf(metrics, 'rollbook_scheduler_evaluations_failed_total');
  return { passThrew: () => passes.inc(), evaluationFailed: () => evaluations.inc() };
}
