import { isTerminal, type AllocationState } from '@app/domain';
import { streamType } from '@app/kernel';
import type { SimulatedCommit } from './memory-log.js';

/** What of a group is alive. */
export interface Headcount {
  /** Within reach: what is unknown is counted where it runs only. */
  live: number;
  /** Within reach, by name and version. */
  readonly names: Tally;
  /** By node. */
  readonly nodes: Tally;
  /** Not known to be healthy, by deployment. */
  readonly unproven: Tally;
}

/** Counts by key; what is at nought is forgotten. */
export class Tally {
  private readonly counts = new Map<string, number>();

  of(key: string): number {
    return this.counts.get(key) ?? 0;
  }

  add(key: string, step: 1 | -1): void {
    const count = this.of(key) + step;
    if (count === 0) this.counts.delete(key);
    else this.counts.set(key, count);
  }

  /** Equal content, whatever the order. */
  equals(other: Tally): boolean {
    return this.counts.size === other.counts.size && [...this.counts].every(([key, count]) => other.of(key) === count);
  }
}

export const jobKey = ({ namespace, jobId }: Pick<AllocationState, 'namespace' | 'jobId'>): string =>
  `${namespace}/${jobId}`;
export const groupKey = (alloc: Pick<AllocationState, 'namespace' | 'jobId' | 'taskGroup'>): string =>
  `${jobKey(alloc)}/${alloc.taskGroup}`;
export const nameKey = ({ name, jobCreateIndex, jobVersion }: AllocationState): string =>
  `${name} ${jobCreateIndex} ${jobVersion}`;

/** What is alive, counted as it comes and goes: a commit is judged by what it changed, however large the cluster is. */
export class Census {
  private readonly groups = new Map<string, Headcount>();
  /** Jobs something of which has moved since they were last looked at. */
  readonly moved = new Set<string>();

  follow({ movements }: SimulatedCommit): void {
    for (const { stream, before, after } of movements) {
      if (streamType(stream) !== 'allocation') continue;
      this.count(before as AllocationState | undefined, -1);
      this.count(after as AllocationState | undefined, 1);
      this.moved.add(jobKey((after ?? before) as AllocationState));
    }
  }

  of(group: string): Headcount {
    let known = this.groups.get(group);
    if (known === undefined) {
      known = { live: 0, names: new Tally(), nodes: new Tally(), unproven: new Tally() };
      this.groups.set(group, known);
    }
    return known;
  }

  count(alloc: AllocationState | undefined, step: 1 | -1): void {
    if (alloc === undefined || alloc.purged || isTerminal(alloc)) return;
    const group = this.of(groupKey(alloc));
    group.nodes.add(alloc.nodeId, step);
    if (alloc.deploymentId !== '' && alloc.deploymentStatus?.healthy !== true)
      group.unproven.add(alloc.deploymentId, step);
    if (alloc.clientStatus === 'unknown') return;
    group.live += step;
    group.names.add(nameKey(alloc), step);
  }

  /** Groups that two counts of the same cluster do not agree about. */
  differences(other: Census): string[] {
    return [...new Set([...this.groups.keys(), ...other.groups.keys()])].filter((key) => {
      const [mine, theirs] = [this.of(key), other.of(key)];
      const tallies = ['names', 'nodes', 'unproven'] as const;
      return mine.live !== theirs.live || !tallies.every((one) => mine[one].equals(theirs[one]));
    });
  }
}
