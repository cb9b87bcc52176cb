import { ClusterState, DeploymentWatcher, Drainer, HeartbeatWatcher, Leader, restoreCluster, Scheduler } from '@app/reactors';
import type { Logger, Shutdown } from '@app/platform';
import type { Core } from './core.js';

/** Nomad's defaults. */
const SCHEDULER_CONFIGURATION = { algorithm: 'binpack', nodeLimit: 100 } as const;

/** Follows the cluster and tries to lead: the scheduler role. */
export async function startReactors(core: Core, log: Logger, shutdown: Shutdown): Promise<ClusterState> {
  const { store, tail, handler, clock, readModels, heartbeats } = core;
  const cluster = new ClusterState();
  const { storeEpoch } = await store.readHead();
  const onError = (err: unknown): void => log.warn({ err }, 'a reactor will try again');
  const leader = new Leader({
    leases: store,
    handler,
    tail,
    cluster,
    holder: core.instance,
    clock: clock.now,
    onError,
    onChange: (leads) => log.info({ leads }, leads ? 'leading' : 'no longer leading'),
    reactors: (context) => [
      new Scheduler(context, { configuration: () => SCHEDULER_CONFIGURATION, signingKeyId: storeEpoch }),
      new DeploymentWatcher(context),
      new Drainer(context),
      new HeartbeatWatcher(context, () => heartbeats.ages()),
    ],
  });
  await restoreCluster(cluster, store, readModels);
  await leader.start();
  shutdown.on('leases', 'leader', () => leader.close());
  return cluster;
}
