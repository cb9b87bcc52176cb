/** `<job>.<group>[<index>]`; service and batch jobs use the job's id, system and sysbatch jobs its name. Source: spec/lifecycle §3.12. */
export const allocationName = (job: string, group: string, index: number): string => `${job}.${group}[${index}]`;

/** The index in an allocation's name; -1 if it has none. */
export function nameIndex(name: string): number {
  const open = name.lastIndexOf('[');
  return open < 0 ? -1 : Number(name.slice(open + 1, -1));
}

/**
 * `wanted` indexes for brand-new allocations of a group of `count`: the lowest free ones; when none is free, used ones again from 0 upward.
 * Source: spec/lifecycle §3.6 b.
 */
export function freeIndexes(used: ReadonlySet<number>, count: number, wanted: number): readonly number[] {
  const indexes: number[] = [];
  for (let index = 0; index < count && indexes.length < wanted; index++) if (!used.has(index)) indexes.push(index);
  for (let index = 0; indexes.length < wanted; index = (index + 1) % Math.max(1, count)) indexes.push(index);
  return indexes;
}

/**
 * `wanted` indexes for canaries: first those of allocations about to be replaced (unless one of the new version, a canary for instance, has them
 * already), then free ones below `count`, then count, count + 1 … Source: spec/lifecycle §3.5.
 */
export function canaryIndexes(
  wanted: number,
  count: number,
  { used, destructive, taken }: Record<'used' | 'destructive' | 'taken', ReadonlySet<number>>,
): readonly number[] {
  const indexes: number[] = [];
  const offer = (index: number, suitable: boolean): void => {
    if (suitable && indexes.length < wanted) indexes.push(index);
  };
  for (let index = 0; index < count; index++) offer(index, destructive.has(index) && !taken.has(index));
  for (let index = 0; index < count; index++) offer(index, !used.has(index) && !taken.has(index));
  for (let index = count; indexes.length < wanted; index++) offer(index, !taken.has(index));
  return indexes;
}
