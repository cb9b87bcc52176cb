import { randomUUID } from 'node:crypto';
import type { Rehearse } from '@app/nomad-api';
import { elapsedNs } from '@app/platform';
import { ClusterState, rehearse, restoreCluster } from '@app/reactors';
import type { Core } from './core.js';

/** Plans jobs on the cluster that this instance follows or, without the scheduler role, on one that is read for the occasion. */
export function rehearsalOn(core: Core, followed: ClusterState | undefined): Rehearse {
  const { clock, store, readModels, tail } = core;
  const present = async (): Promise<ClusterState> => {
    if (followed !== undefined) {
      await tail.readIndex();
      if (followed.isComplete) return followed;
    }
    const cluster = new ClusterState();
    await restoreCluster(cluster, store, readModels);
    return cluster;
  };
  return async (spec) => {
    return rehearse(await present(), spec, { now: clock.now(), newId: randomUUID, elapsed: elapsedNs });
  };
}
