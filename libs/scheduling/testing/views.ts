import { ownProperty } from '@app/kernel';
import type { AllocationState } from '@app/domain';
import { nameIndex } from '../names.js';
import type { ToyCluster } from './toy-cluster.js';

/** `web[0] v1 run` or `web[0] v0 stop: alloc is being migrated`, with `canary` and `lost` where it applies; by name, then version. */
export const tellAllocations = (allocations: readonly AllocationState[]): string[] =>
  allocations
    .toSorted((a, b) => nameIndex(a.name) - nameIndex(b.name) || a.createIndex - b.createIndex)
    .map((alloc) => {
      const end = alloc.desiredDescription === '' ? '' : `: ${alloc.desiredDescription}`;
      const marks = [
        alloc.deploymentStatus?.canary ? ' canary' : '',
        ['lost', 'unknown', 'failed'].includes(alloc.clientStatus) ? ` ${alloc.clientStatus}` : '',
      ];
      return `${alloc.name.slice(alloc.name.indexOf('.') + 1)} v${alloc.jobVersion}${marks.join('')} ${alloc.desiredStatus}${end}`;
    });

/** `running "Deployment is running" 3/0/3/0/0`: desired total, desired canaries, placed, healthy, unhealthy. Source: spec/lifecycle §10. */
export function tellDeployment(cluster: ToyCluster, group = 'web'): string {
  const deployment = cluster.deployment();
  const state = ownProperty(deployment?.groups, group);
  if (deployment === undefined || state === undefined) return 'none';
  const { desiredTotal, desiredCanaries, placedAllocs, healthyAllocs, unhealthyAllocs } = state;
  const counters = [desiredTotal, desiredCanaries, placedAllocs, healthyAllocs, unhealthyAllocs].join('/');
  return `${deployment.status} "${deployment.statusDescription}" ${counters}`;
}

/** The live allocation with this index, of the newest version that has one. */
export function at(cluster: ToyCluster, index: number): AllocationState {
  const found = cluster
    .live()
    .filter((alloc) => nameIndex(alloc.name) === index)
    .at(-1);
  if (found === undefined) throw new Error(`no live allocation ${index}`);
  return found;
}

/** The one thing in a list. */
export function only<T>(list: readonly T[]): T {
  const [first, ...others] = list;
  if (first === undefined || others.length > 0) throw new Error(`${list.length} instead of one`);
  return first;
}
