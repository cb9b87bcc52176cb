import { useEffect, useRef, useState } from 'preact/hooks';
import { commitAddress } from '../address/address.ts';
import { Fault } from '../parts/answer.tsx';
import { Ago, isPerson, Table, Who, Why } from '../parts/parts.tsx';
import { Subject } from '../parts/subject.tsx';
import { indexed, inWords } from '../parts/words.ts';
import { readText, shownIndex, type Refused } from '../store/api.ts';
import { isPast } from '../store/go.ts';
import { head } from '../store/live.ts';

interface Commit {
  readonly Index: number;
  readonly Events: readonly {
    readonly Topic: string;
    readonly Type: string;
    readonly Key: string;
    readonly Namespace: string;
  }[];
  readonly Meta?: { readonly Actor: string; readonly Reason: string; readonly Time: string };
}
const PAGE = 100;

/** Between two readings of the newest page, which moves with every commit. */
const EVERY_MS = 500;

/** The commits from `oldest` to `to`, the newest first; what moves is read at intervals. */
function useCommits(to: number, oldest: number) {
  const [commits, setCommits] = useState<readonly Commit[] | undefined>(undefined);
  const [fault, setFault] = useState<Refused | undefined>(undefined);
  const readAt = useRef(-Infinity);
  useEffect(() => {
    if (to < 0) return undefined;
    let isOver = false;
    const timer = setTimeout(
      () => {
        readAt.current = performance.now();
        readText(`/v1/event/stream?namespace=*&topic=*&meta=true&payload=stub&index=${oldest}&to=${to}`).then(
          (text) => {
            if (isOver) return;
            setFault(undefined);
            const lines = text.split('\n').filter((line) => line.startsWith('{"Index"'));
            setCommits(lines.map((line) => JSON.parse(line) as Commit).reverse());
          },
          (error: Refused) => !isOver && setFault(error),
        );
      },
      Math.max(0, readAt.current + EVERY_MS - performance.now()),
    );
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [to, oldest]);
  return { commits, fault };
}

/** What happened, anywhere? A page of commits, the newest first; the last page follows the head. */
export function LedgerPage() {
  const [until, setUntil] = useState<number | undefined>(undefined);
  const [isOfPeople, setOfPeople] = useState(false);
  const [filter, setFilter] = useState('');
  const to = until ?? (isPast.value ? shownIndex.value : head.value);
  const oldest = Math.max(1, to - PAGE + 1);
  const { commits, fault } = useCommits(to, oldest);
  const people = (commits ?? []).filter(({ Meta }) => isPerson(Meta?.Actor));
  const found = (isOfPeople ? people : (commits ?? [])).filter((one) => isFound(one, filter));
  return (
    <>
      <h1 class="answer">
        {commits === undefined
          ? 'Reading the newest commits…'
          : `${people.length === 0 ? 'None' : people.length} of the commits ${indexed(oldest)} to ${indexed(to)} ${people.length > 1 ? 'were' : 'was'} made by people.`}
      </h1>
      <div class="row">
        <button type="button" disabled={oldest <= 1} onClick={() => setUntil(oldest - 1)}>
          Older
        </button>
        <button
          type="button"
          disabled={until === undefined}
          onClick={() => setUntil(until! + PAGE >= head.value ? undefined : until! + PAGE)}
        >
          Newer
        </button>
        <button type="button" disabled={until === undefined} onClick={() => setUntil(undefined)}>
          Newest
        </button>
        <label class="inline">
          <input type="checkbox" checked={isOfPeople} onChange={(event) => setOfPeople(event.currentTarget.checked)} />{' '}
          people only
        </label>
        <input
          id="filter"
          class="narrow"
          placeholder="what, who or why has"
          aria-label="Only commits whose what, who or why has"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      </div>
      {fault !== undefined && <Fault status={fault.status} text={fault.message} />}
      {commits !== undefined && (
        <>
          <Commits of={found} />
          <p class="muted">
            {found.length < commits.length && `${commits.length - found.length} are filtered out. `}
            {to - oldest + 1 - commits.length > 0 &&
              `${to - oldest + 1 - commits.length} concern nothing that the event stream shows you.`}
          </p>
        </>
      )}
    </>
  );
}

const MOST_EVENTS = 3;

function isFound({ Events, Meta }: Commit, filter: string): boolean {
  const text = [Meta?.Actor, Meta?.Reason, ...Events.flatMap(({ Type, Key }) => [inWords(Type), Key])].join(' ');
  return text.toLowerCase().includes(filter.trim().toLowerCase());
}

const Commits = ({ of }: { readonly of: readonly Commit[] }) => (
  <Table heads={['Index', 'When', 'What', 'Who', 'Why']} caption="Commits">
    {of.map(({ Index, Events, Meta }) => (
      <tr key={Index}>
        <td>
          <a href={commitAddress(Index)}>{indexed(Index)}</a>
        </td>
        <td>{Meta && <Ago at={Meta.Time} />}</td>
        <td>
          {Events.slice(0, MOST_EVENTS).map((event, at) => (
            <div key={at}>
              {inWords(event.Type)} <Subject of={event} />
            </div>
          ))}
          {Events.length > MOST_EVENTS && <span class="muted">and {Events.length - MOST_EVENTS} more</span>}
        </td>
        <td>
          <Who of={Meta?.Actor} />
        </td>
        <td>
          <Why of={Meta?.Reason} by={Meta?.Actor} />
        </td>
      </tr>
    ))}
  </Table>
);
