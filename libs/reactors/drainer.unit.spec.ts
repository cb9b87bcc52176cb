import type { AllocationState, NodeState } from '@app/domain';
import { until } from '@app/testing';
import type { ClusterState } from './cluster-state.js';
import { Drainer } from './drainer.js';
import type { ReactorContext } from './reactor.js';

const DEADLINE = 1_000_000;

test('a deadline that passes while the drainer looks is not missed', async () => {
  const drain = { deadline: 1, ignoreSystemJobs: false, forceDeadline: DEADLINE, startedAt: 0 };
  const node = { id: 'n', drain } as NodeState;
  const transition = { Migrate: null };
  const alloc = {
    id: 'a',
    jobType: 'batch',
    desiredStatus: 'run',
    clientStatus: 'running',
    desiredTransition: transition,
  };
  const nodes = [node];
  const cluster = {
    nodes: () => nodes,
    liveAllocationsOnNode: () => [alloc as unknown as AllocationState],
    job: () => undefined,
  };
  // The first look begins just before the deadline and is over just after it.
  const times = [DEADLINE - 1, DEADLINE + 1];
  const commands: string[] = [];
  const drainer = new Drainer({
    cluster: cluster as unknown as ClusterState,
    now: () => (times.length > 1 ? times.shift()! : times[0]!),
    execute: (name: string) => {
      commands.push(name);
      return Promise.resolve({ kind: 'fenced' });
    },
    onError: (error: unknown) => {
      throw error;
    },
  } as unknown as ReactorContext);
  drainer.start();
  await until('the allocation to be drained', () => Promise.resolve(commands.includes('DrainAllocations')));
  await drainer.stop();
});
