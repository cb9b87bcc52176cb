import { objectAddress } from '../address/address.ts';
import { visible } from './words.ts';

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

type Outcome = Pick<Allocation, 'ClientStatus' | 'DesiredStatus' | 'DeploymentStatus'>;
type Look = 'healthy' | 'running' | 'failed' | 'lost' | 'gone';

export function lookOf({ ClientStatus, DesiredStatus, DeploymentStatus }: Outcome): Look {
  if (ClientStatus === 'lost' || ClientStatus === 'unknown') return DesiredStatus === 'run' ? 'lost' : 'gone';
  if (DesiredStatus !== 'run' || ClientStatus === 'complete') return 'gone';
  if (ClientStatus === 'failed' || DeploymentStatus?.Healthy === false) return 'failed';
  if (DeploymentStatus?.Healthy === true) return 'healthy';
  return 'running';
}

const WORDS: Readonly<Record<Look, string>> = {
  healthy: 'healthy',
  running: 'not yet decided',
  failed: 'unhealthy or failed',
  lost: 'lost or out of contact',
  gone: 'stopped',
};
const LOOKS = ['healthy', 'running', 'failed', 'lost', 'gone'] as const;

/** The shape carries the meaning, its colour repeats it. */
export function Shape({ look, canary = false }: { readonly look: Look; readonly canary?: boolean }) {
  return (
    <svg class={`shape ${look}`} viewBox="0 0 16 16" aria-hidden="true">
      {look === 'healthy' && <path d={canary ? 'M1 1h9l5 5v9H1z' : 'M1 1h14v14H1z'} />}
      {look === 'running' && <circle cx="8" cy="8" r="5.5" class="ring" />}
      {look === 'failed' && (
        <>
          <path d={canary ? 'M1 1h9l5 5v9H1z' : 'M1 1h14v14H1z'} />
          <path d="M4.5 4.5l7 7m0-7l-7 7" class="cross" />
        </>
      )}
      {look === 'lost' && <path d="M2 14L14 2" class="ring" />}
      {look === 'gone' && <circle cx="8" cy="8" r="2" />}
      {canary && look === 'running' && <path d="M10 1l5 5" class="ring" />}
    </svg>
  );
}

export const StatusOf = ({ of }: { readonly of: Outcome }) => (
  <span class="nowrap">
    <Shape look={lookOf(of)} canary={of.DeploymentStatus?.Canary ?? false} /> {WORDS[lookOf(of)]}
    {of.DeploymentStatus?.Canary ? ', canary' : ''}
  </span>
);

const MOST_CELLS = 2000;
const ordinal = (name: string): number => Number(/\[(\d+)\]$/.exec(name)?.[1] ?? 0);

/** Slots of each group, in their order; what is over is left to the list. */
export function Slots({ allocations }: { readonly allocations: readonly Allocation[] }) {
  const current = allocations
    .filter((one) => lookOf(one) !== 'gone')
    .sort((a, b) =>
      a.TaskGroup < b.TaskGroup
        ? -1
        : a.TaskGroup > b.TaskGroup
          ? 1
          : ordinal(a.Name) - ordinal(b.Name) || a.CreateTime - b.CreateTime,
    );
  const groups = Map.groupBy(current.slice(0, MOST_CELLS), ({ TaskGroup }) => TaskGroup);
  if (current.length === 0) return <p class="muted">Nothing runs now.</p>;
  return (
    <>
      {[...groups].map(([group, members]) => (
        <div key={group}>
          <h3>{visible(group)}</h3>
          <div class="slots">
            {members.map((one) => {
              const look = lookOf(one);
              const label = `${visible(one.Name)}, ${WORDS[look]}, version ${one.JobVersion}${one.DeploymentStatus?.Canary ? ', canary' : ''}, on ${visible(one.NodeName)}`;
              return (
                <a key={one.ID} href={objectAddress('allocations', one.ID)} title={label} aria-label={label}>
                  <Shape look={look} canary={one.DeploymentStatus?.Canary ?? false} />
                </a>
              );
            })}
          </div>
        </div>
      ))}
      <p class="legend">
        {LOOKS.filter((look) => current.some((one) => lookOf(one) === look)).map((look) => (
          <span key={look}>
            <Shape look={look} /> {current.filter((one) => lookOf(one) === look).length} {WORDS[look]}
          </span>
        ))}
      </p>
      {current.length > MOST_CELLS && (
        <p class="muted">{current.length - MOST_CELLS} more are not drawn; the list has them all.</p>
      )}
    </>
  );
}

export function AllocationRows({ allocations }: { readonly allocations: readonly Allocation[] }) {
  return (
    <>
      {allocations.map((one) => (
        <tr key={one.ID}>
          <td>
            <StatusOf of={one} />
          </td>
          <td>
            <a href={objectAddress('allocations', one.ID)}>{visible(one.Name)}</a>
          </td>
          <td>v{one.JobVersion}</td>
          <td>
            <a href={objectAddress('clients', one.NodeID)}>{visible(one.NodeName)}</a>
          </td>
          <td>{visible(one.DesiredDescription)}</td>
        </tr>
      ))}
    </>
  );
}
