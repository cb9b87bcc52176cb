import type { JobVersion } from '@app/domain';
import { MemoryEventStore } from '@app/event-store';
import { jobSpec, registered, startInstance, type TestInstance } from '@app/testing';
import { ClusterState } from './cluster-state.js';
import { restoreCluster } from './restore-cluster.js';

describe('Restoring the cluster while another instance writes', () => {
  let store: MemoryEventStore;
  let writer: TestInstance;
  let reader: TestInstance;
  let cluster: ClusterState;

  const register = async (tag: string): Promise<void> => {
    const outcome = await writer.execute(registered(jobSpec({ id: 'web', tag })));
    if (outcome.kind === 'accepted') await reader.tail.reached(outcome.index);
  };
  /** States come out of the store as they were before what is done `meanwhile`. */
  const restore = (meanwhile: () => Promise<void>): Promise<void> => {
    const load: MemoryEventStore['load'] = async (streams) => {
      const states = await store.load(streams);
      await meanwhile();
      return states;
    };
    const readModels = {
      jobVersions: (): Promise<JobVersion[]> => Promise.resolve([]),
      schedulableAllocations: (): Promise<string[]> => Promise.resolve([]),
      keys: (table: string) => Promise.resolve([...(store.tables.get(table)?.keys() ?? [])]),
    };
    return restoreCluster(cluster, { load, readHead: () => store.readHead() }, readModels);
  };
  const versions = () => cluster.job('default', 'web')?.versions.map(({ version }) => version);

  beforeEach(async () => {
    store = new MemoryEventStore();
    [writer, reader] = [await startInstance(store), await startInstance(store)];
    cluster = new ClusterState();
    reader.tail.onCommit((commit) => void cluster.apply(commit));
    await register('first');
    cluster = new ClusterState();
  });
  afterEach(() => Promise.all([writer.close(), reader.close()]));

  test('loses nothing that was committed after a state was read and before it came', async () => {
    await restore(() => register('second'));
    await register('third');
    expect(versions()).toEqual([2, 1, 0]);
    expect(cluster.index).toBe(reader.tail.applied);
  });

  test('that failed half-way is taken up again, with what was committed meanwhile', async () => {
    await expect(restore(() => Promise.reject(new Error('the store is away')))).rejects.toThrow('the store is away');
    await register('second');
    await restore(() => Promise.resolve());
    expect(versions()).toEqual([1, 0]);
  });
});
