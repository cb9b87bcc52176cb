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
/** Chunks that are read while one is taken in. */
const AHEAD = 4;

/**
 * Fills the cluster's memory from stored states: of allocations those that decisions are made on, however many are over. The tail must be feeding
 * `cluster` already: commits that come meanwhile are applied in the end, and told apart from what the states hold already by the streams'
 * versions. May be called again, also when the store did not answer.
 */
export async function restoreCluster(
  cluster: ClusterState,
  store: Pick<EventStore, 'load' | 'readHead'>,
  readModels: Pick<ReadModels, 'jobVersions' | 'keys' | 'schedulableAllocations'>,
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
    ...(await readModels.schedulableAllocations()).map(allocationStream),
    ...(await readModels.keys('evaluation', { status: ['pending', 'blocked'] })).map(evaluationStream),
  ];
  await restore(cluster, store, streams);
  // A rollout is judged by what evaluations of its job have looked at, also those that have ended.
  const rollingOut = [...new Set(cluster.activeDeployments().map(({ jobId }) => jobId))];
  await restore(cluster, store, (await readModels.keys('evaluation', { job_id: rollingOut })).map(evaluationStream));
  // Last: what nothing runs any more is forgotten, and what runs is known now.
  const versions = cluster.unknownVersions();
  for (let i = 0; i < versions.length; i += CHUNK)
    for (const version of await readModels.jobVersions(versions.slice(i, i + CHUNK))) cluster.restoreVersion(version);
  cluster.endRestoring(index);
}

async function restore(
  cluster: ClusterState,
  store: Pick<EventStore, 'load'>,
  streams: readonly StreamName[],
): Promise<void> {
  const loading: ReturnType<EventStore['load']>[] = [];
  for (let i = 0; i < streams.length || loading.length > 0;) {
    for (; i < streams.length && loading.length < AHEAD; i += CHUNK) {
      const states = store.load(streams.slice(i, i + CHUNK));
      // Whoever waits for it gets its failure; until then it is nobody's.
      states.catch(() => undefined);
      loading.push(states);
    }
    for (const [stream, { version, state }] of await loading.shift()!)
      cluster.restore(stream, version, parseExact(state) as AggregateState);
  }
}
