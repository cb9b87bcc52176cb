import { randomUUID } from 'node:crypto';
import { drive, type Rehearse, type Rules } from '@app/nomad-api';
import { elapsedNs } from '@app/platform';
import { ClusterState, rehearse, rehearseInSteps, restoreCluster, waitingDeployments } from '@app/reactors';
import { explainPlacement } from '@app/scheduling';
import type { Core } from './core.js';

/** What follows from the cluster as it is, by the rules of those who lead: on the one that this instance follows or, without the scheduler role,
 * on one that is read for the occasion. */
export function foresightOn(core: Core, followed: ClusterState | undefined): { rehearse: Rehearse; rules: Rules } {
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
  return {
    rehearse: async (spec) => {
      const cluster = await present();
      const options = { now: clock.now(), newId: randomUUID, elapsed: elapsedNs };
      const { index } = cluster;
      try {
        return await drive(rehearseInSteps(cluster, spec, options));
      } catch (error) {
        // What moved meanwhile may not fit together: then all of it at once.
        if (cluster.index === index) throw error;
        return rehearse(cluster, spec, options);
      }
    },
    rules: {
      waiting: async () => waitingDeployments(await present(), clock.now()),
      explain: async (job, groups) => explainPlacement(await present(), job, groups),
    },
  };
}
