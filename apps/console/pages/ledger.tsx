import { useEffect, useState } from 'preact/hooks';
import { commitAddress } from '../address/address.ts';
import { Fault } from '../parts/answer.tsx';
import { Ago, Table, Who, Why } from '../parts/parts.tsx';
import { Subject } from '../parts/subject.tsx';
import { indexed, visible } from '../parts/words.ts';
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

/** What happened, anywhere? A page of commits, the newest first; the last page follows the head. */
export function LedgerPage() {
  const [until, setUntil] = useState<number | undefined>(undefined);
  const [commits, setCommits] = useState<readonly Commit[] | undefined>(undefined);
  const [fault, setFault] = useState<Refused | undefined>(undefined);
  const to = until ?? (isPast.value ? shownIndex.value : head.value);
  useEffect(() => {
    if (to < 0) return undefined;
    let isOver = false;
    const path = `/v1/event/stream?namespace=*&topic=*&meta=true&payload=stub&index=${Math.max(1, to - PAGE + 1)}&to=${to}`;
    readText(path).then(
      (text) => {
        if (isOver) return;
        setFault(undefined);
        setCommits(
          text
            .split('\n')
            .filter((line) => line.startsWith('{"Index"'))
            .map((line) => JSON.parse(line) as Commit)
            .reverse(),
        );
      },
      (error: Refused) => !isOver && setFault(error),
    );
    return () => {
      isOver = true;
    };
  }, [to]);
  const oldest = Math.max(1, to - PAGE + 1);
  return (
    <>
      <h1 class="answer">
        {to < 0
          ? 'Asking for the newest commit…'
          : `Commits #${oldest.toLocaleString('en')} to #${to.toLocaleString('en')}${until === undefined ? ', live' : ''}.`}
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
          Now
        </button>
      </div>
      {fault !== undefined && <Fault status={fault.status} text={fault.message} />}
      {commits !== undefined && (
        <>
          <Table heads={['Index', 'When', 'What', 'Who', 'Why']} caption="Commits">
            {commits.map(({ Index, Events, Meta }) => (
              <tr key={Index}>
                <td>
                  <a href={commitAddress(Index)}>{indexed(Index)}</a>
                </td>
                <td>{Meta && <Ago at={Meta.Time} />}</td>
                <td>
                  {Events.slice(0, 3).map((event, at) => (
                    <div key={at}>
                      {visible(event.Type)} <Subject of={event} />
                    </div>
                  ))}
                  {Events.length > 3 && <span class="muted">and {Events.length - 3} more</span>}
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
          <p class="muted">
            {to - oldest + 1 - commits.length} commits of this page concern nothing that the event stream shows you.
          </p>
        </>
      )}
    </>
  );
}
