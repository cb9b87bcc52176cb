import { many } from '@app/story';
import { objectAddress } from '../address/address.ts';
import { Grid } from './grid.tsx';
import { inSlots, isCanary, LOOK_WORDS, LOOKS, lookOf, type Allocation, type Look, type Outcome } from './looks.ts';
import { visible } from './words.ts';

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
    <Shape look={lookOf(of)} canary={isCanary(of)} /> {LOOK_WORDS[lookOf(of)]}
    {isCanary(of) ? ', canary' : ''}
  </span>
);

/** Beyond so many, a link each would be more than a browser bears. */
const MOST_LINKS = 400;

const described = (one: Allocation): string =>
  `${visible(one.Name)}, ${LOOK_WORDS[lookOf(one)]}, version ${one.JobVersion}${isCanary(one) ? ', canary' : ''}, on ${visible(one.NodeName)}`;

/** Slots of each group, in their order; what is over is left to the list. */
export function Slots({ allocations }: { readonly allocations: readonly Allocation[] }) {
  const current = inSlots(allocations);
  if (current.length === 0) return <p class="muted">Nothing runs now.</p>;
  const groups = Map.groupBy(current, ({ TaskGroup }) => TaskGroup);
  const counts = Map.groupBy(current, lookOf);
  const canaries = current.filter(isCanary).length;
  return (
    <>
      {current.length > MOST_LINKS ? (
        <Grid allocations={current} label={`${current.length} slots`} describe={described} />
      ) : (
        [...groups].map(([group, members]) => (
          <div key={group}>
            <h3>{visible(group)}</h3>
            <div class="slots">
              {members.map((one) => (
                <a
                  key={one.ID}
                  href={objectAddress('allocations', one.ID)}
                  title={described(one)}
                  aria-label={described(one)}
                >
                  <Shape look={lookOf(one)} canary={isCanary(one)} />
                </a>
              ))}
            </div>
          </div>
        ))
      )}
      <p class="legend">
        {LOOKS.filter((look) => counts.has(look)).map((look) => (
          <span key={look}>
            <Shape look={look} /> {counts.get(look)!.length.toLocaleString('en')} {LOOK_WORDS[look]}
          </span>
        ))}
        {canaries > 0 && (
          <span>
            <Shape look="healthy" canary /> {many(canaries, 'canary')}, a corner cut
          </span>
        )}
      </p>
    </>
  );
}

export const ALLOCATION_HEADS = ['Health', 'Slot', 'Version', 'Node', 'Why stopped'] as const;
const MOST_ROWS = 500;

export function AllocationRows({ allocations }: { readonly allocations: readonly Allocation[] }) {
  return (
    <>
      {allocations.slice(0, MOST_ROWS).map((one) => (
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
      {allocations.length > MOST_ROWS && (
        <tr>
          <td colSpan={ALLOCATION_HEADS.length} class="muted">
            {(allocations.length - MOST_ROWS).toLocaleString('en')} more are not listed.
          </td>
        </tr>
      )}
    </>
  );
}
