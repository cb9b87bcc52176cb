import type { AllocatedResources, AllocationState, AllocMetric } from '@app/domain';

/** What nothing but its score is known of. */
const UNTOLD: AllocMetric = {
  NodesEvaluated: 0,
  NodesFiltered: 0,
  NodesInPool: 0,
  NodePool: '',
  NodesAvailable: null,
  ClassFiltered: null,
  ConstraintFiltered: null,
  NodesExhausted: 0,
  ClassExhausted: null,
  DimensionExhausted: null,
  QuotaExhausted: null,
  ResourcesExhausted: null,
  Scores: null,
  ScoreMetaData: null,
  AllocationTime: 0,
  CoalescedFailures: 0,
};

/**
 * Allocations as decisions look at them: without what placement and agents tell at length, most of their size, but for the best score and the
 * times of tasks; and with one object for the resources that those of a group share. The ledger has all of it.
 */
export class AllocationEssence {
  /** job → group → what was seen last, with its text */
  private readonly resources = new Map<
    string,
    Map<string, { readonly text: string; readonly value: AllocatedResources }>
  >();

  /** @param before the essence of what it was */
  of(alloc: AllocationState, before: AllocationState | undefined): AllocationState {
    const { metrics, taskStates, allocatedResources } = alloc;
    return {
      ...alloc,
      metrics: metrics === before?.metrics ? metrics : scoreOf(metrics),
      taskStates: withoutEvents(taskStates),
      allocatedResources: allocatedResources === before?.allocatedResources ? allocatedResources : this.shared(alloc),
    };
  }

  forget(job: string): void {
    this.resources.delete(job);
  }

  clear(): void {
    this.resources.clear();
  }

  private shared({ namespace, jobId, taskGroup, allocatedResources }: AllocationState): AllocatedResources {
    const job = `${namespace}/${jobId}`;
    let groups = this.resources.get(job);
    if (groups === undefined) this.resources.set(job, (groups = new Map()));
    const text = JSON.stringify(allocatedResources);
    const known = groups.get(taskGroup);
    if (known?.text === text) return known.value;
    groups.set(taskGroup, { text, value: allocatedResources });
    return allocatedResources;
  }
}

function withoutEvents(taskStates: AllocationState['taskStates']): AllocationState['taskStates'] {
  if (taskStates === null) return null;
  const told = Object.entries(taskStates);
  return told.every(([, { Events }]) => Events.length === 0)
    ? taskStates
    : Object.fromEntries(told.map(([name, state]) => [name, { ...state, Events: [] }]));
}

function scoreOf({ ScoreMetaData }: AllocMetric): AllocMetric {
  const best = ScoreMetaData?.[0];
  if (best === undefined) return UNTOLD;
  return { ...UNTOLD, ScoreMetaData: [{ NodeID: '', Scores: {}, NormScore: best.NormScore }] };
}
