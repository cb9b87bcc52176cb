import type { AggregateState } from '@app/domain';
import type { EventStore } from '@app/event-store';
import {
  parseExact,
  allocationStream,
  deploymentStream,
  evaluationStream,
  KEYRING,
  nodeStream,
  SCHEDULER_CONFIGURATION,
  type StreamName,
} from '@app/kernel';
import type { ReadModels } from '@app/read-models';
import type { ClusterState } from './cluster-state.js';

const CHUNK = 1000;

/**
 * Fills the cluster's memory from stored states. The tail must be feeding `cluster` already: commits that come meanwhile are applied in the end,
 * and told apart from what the states hold already by the streams' versions. May be called again, also when the store did not answer.
 */
export async function restoreCluster(
  cluster: ClusterState,
  store: Pick<EventStore, 'load' | 'readHead'>,
  readModels: Pick<ReadModels, 'versionsInUse' | 'keys'>,
): Promise<void> {
  cluster.beginRestoring();
  const { index } = await store.readHead();
  const streams: StreamName[] = [
    SCHEDULER_CONFIGURATION,
    KEYRING,
    ...(await readModels.keys('job', {})).map((key): StreamName => `job/${key}`),
    ...(await readModels.keys('job_purge', {})).map((key): StreamName => `job-purge/${key}`),
    ...(await readModels.keys('node', {})).map(nodeStream),
    ...(await readModels.keys('deployment', {})).map(deploymentStream),
    ...(await readModels.keys('allocation', {})).map(allocationStream),
    ...(await readModels.keys('evaluation', { status: ['pending', 'blocked'] })).map(evaluationStream),
  ];
  await restore(cluster, store, streams);
  // A rollout is judged by what evaluations of its job have looked at, also those that have ended.
  const rollingOut = [...new Set(cluster.activeDeployments().map(({ jobId }) => jobId))];
  await restore(cluster, store, (await readModels.keys('evaluation', { job_id: rollingOut })).map(evaluationStream));
  // Last: what nothing runs any more is forgotten, and what runs is known now.
  for (const version of await readModels.versionsInUse()) cluster.restoreVersion(version);
  cluster.endRestoring(index);
}

async function restore(
  cluster: ClusterState,
  store: Pick<EventStore, 'load'>,
  streams: readonly StreamName[],
): Promise<void> {
  for (let i = 0; i < streams.length; i += CHUNK) {
    const states = await store.load(streams.slice(i, i + CHUNK));
    for (const [stream, { version, state }] of states)
      cluster.restore(stream, version, parseExact(state) as AggregateState);
  }
}
