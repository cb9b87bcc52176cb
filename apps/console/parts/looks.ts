/** What the page needs of an allocation's stub. */
export interface Allocation {
  readonly ID: string;
  readonly Name: string;
  readonly Namespace: string;
  readonly JobID: string;
  readonly TaskGroup: string;
  readonly NodeID: string;
  readonly NodeName: string;
  readonly JobVersion: number;
  readonly ClientStatus: string;
  readonly DesiredStatus: string;
  readonly DesiredDescription: string;
  readonly DeploymentStatus: { readonly Healthy: boolean | null; readonly Canary: boolean } | null;
  readonly CreateTime: number;
  readonly ModifyTime: number;
}

export type Outcome = Pick<Allocation, 'ClientStatus' | 'DesiredStatus' | 'DeploymentStatus'>;
export const LOOKS = ['healthy', 'running', 'failed', 'lost', 'gone'] as const;
export type Look = (typeof LOOKS)[number];

export const LOOK_WORDS: Readonly<Record<Look, string>> = {
  healthy: 'healthy',
  running: 'not yet decided',
  failed: 'unhealthy or failed',
  lost: 'lost or out of contact',
  gone: 'stopped',
};

export function lookOf({ ClientStatus, DesiredStatus, DeploymentStatus }: Outcome): Look {
  if (ClientStatus === 'lost' || ClientStatus === 'unknown') return DesiredStatus === 'run' ? 'lost' : 'gone';
  if (DesiredStatus !== 'run' || ClientStatus === 'complete') return 'gone';
  if (ClientStatus === 'failed' || DeploymentStatus?.Healthy === false) return 'failed';
  if (DeploymentStatus?.Healthy === true) return 'healthy';
  return 'running';
}

export const isCanary = ({ DeploymentStatus }: Pick<Allocation, 'DeploymentStatus'>): boolean =>
  DeploymentStatus?.Canary ?? false;

const ordinal = (name: string): number => Number(/\[(\d+)\]$/.exec(name)?.[1] ?? 0);

/** Those that are not over, by group, slot and age: a replacement stands where its predecessor stood. */
export function inSlots(allocations: readonly Allocation[]): readonly Allocation[] {
  const placed = allocations
    .filter((one) => lookOf(one) !== 'gone')
    .map((one) => ({ one, group: one.TaskGroup, slot: ordinal(one.Name) }));
  placed.sort((a, b) =>
    a.group < b.group ? -1 : a.group > b.group ? 1 : a.slot - b.slot || a.one.CreateTime - b.one.CreateTime,
  );
  return placed.map(({ one }) => one);
}
