import { many } from '@app/story';
import { useEffect, useState } from 'preact/hooks';
import { commitAddress } from '../address/address.ts';
import type { Event } from '../parts/event.ts';
import { Json, Told } from '../parts/history.tsx';
import { Fault } from '../parts/answer.tsx';
import { Ago, Table, Why } from '../parts/parts.tsx';
import { Subject } from '../parts/subject.tsx';
import { indexed, visible } from '../parts/words.ts';
import { readNow, readText, type Refused } from '../store/api.ts';
import { go } from '../store/go.ts';
import { head } from '../store/live.ts';

interface Touched {
  readonly Topic: string;
  readonly Type: string;
  readonly Key: string;
  readonly Namespace: string;
  readonly Payload: object;
}
interface Commit {
  readonly Index: number;
  readonly Events: readonly Touched[];
  readonly Meta?: Readonly<Record<string, string>>;
}

const HISTORIES: ReadonlyMap<string, string> = new Map([
  ['Deployment', 'deployment'],
  ['Allocation', 'allocation'],
  ['Evaluation', 'evaluation'],
  ['Node', 'node'],
  ['Job', 'job'],
]);
const MOST_OBJECTS = 50;

/** Who did what in one commit, and why? */
export function CommitPage({ index }: { readonly index: number }) {
  const [commit, setCommit] = useState<Commit | null | undefined>(undefined);
  const [fault, setFault] = useState<Refused | undefined>(undefined);
  useEffect(() => {
    let isOver = false;
    readText(`/v1/event/stream?namespace=*&topic=*&meta=true&payload=stub&index=${index}&to=${index}`).then(
      (text) => {
        const line = text.split('\n').find((one) => one.startsWith('{"Index"'));
        if (!isOver) setCommit(line === undefined ? null : (JSON.parse(line) as Commit));
      },
      (error: Refused) => !isOver && setFault(error),
    );
    return () => {
      isOver = true;
    };
  }, [index]);
  const meta = commit?.Meta;
  const objects = commit?.Events.slice(0, MOST_OBJECTS) ?? [];
  return (
    <>
      <p class="crumb">
        <a href="/ui/ledger">Ledger</a>, commit {indexed(index)}
      </p>
      <h1 class="answer">
        {fault !== undefined
          ? `Commit ${indexed(index)} cannot be read.`
          : commit === undefined
            ? `Reading ${indexed(index)}…`
            : commit === null
              ? `Nothing that is shown to you happened in commit ${indexed(index)}.`
              : `${visible(meta?.['Actor']) || 'Somebody'} changed ${many(commit.Events.length, 'object')}.`}
      </h1>
      {fault !== undefined && <Fault status={fault.status} text={fault.message} />}
      {meta !== undefined && (
        <p>
          <Why of={meta['Reason']} />, <Ago at={meta['Time'] ?? ''} />{' '}
          <span class="muted">{visible(meta['Time'])}</span>
        </p>
      )}
      <div class="row">
        <button type="button" disabled={index <= 1} data-key="[" onClick={() => go(commitAddress(index - 1))}>
          Before
        </button>
        <button type="button" disabled={index >= head.value} data-key="]" onClick={() => go(commitAddress(index + 1))}>
          After
        </button>
        <button type="button" onClick={() => go(`/ui/?at=${index}`)}>
          The board as of then
        </button>
      </div>
      {objects.map((one) => (
        <section key={`${one.Topic} ${one.Key}`} aria-label={`${one.Topic} ${visible(one.Key)}`}>
          <h2>
            {visible(one.Topic)} <Subject of={one} />
          </h2>
          <EventsOf of={one} index={index} />
          <details>
            <summary>As it was afterwards</summary>
            <Json of={one.Payload} />
          </details>
        </section>
      ))}
      {(commit?.Events.length ?? 0) > MOST_OBJECTS && (
        <p class="muted">{(commit?.Events.length ?? 0) - MOST_OBJECTS} more objects are not shown.</p>
      )}
    </>
  );
}

/** The events of one object in one commit. */
function EventsOf({ of, index }: { readonly of: Touched; readonly index: number }) {
  const [events, setEvents] = useState<readonly Event[]>([]);
  const kind = HISTORIES.get(of.Topic);
  useEffect(() => {
    if (kind === undefined) return;
    readNow<readonly Event[]>(
      `/v1/operator/rollbook/history/${kind}/${encodeURIComponent(of.Key)}?namespace=${encodeURIComponent(of.Namespace)}`,
    ).then(
      (all) => setEvents(all.filter(({ Index }) => Index === index)),
      () => setEvents([]),
    );
  }, [kind, of.Key, of.Namespace, index]);
  if (events.length === 0) return <p class="muted">{visible(of.Type)}</p>;
  return (
    <Table heads={['What', 'Caused by', 'Request']} caption={`Events of ${visible(of.Key)}`}>
      {events.map((event, at) => (
        <tr key={at}>
          <td>
            <Told of={event} />
          </td>
          <td>
            <Cause of={event.Causation} />
          </td>
          <td>
            <code>{visible(event.RequestID)}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** What a commit followed from: another commit, or what it is called. */
const Cause = ({ of }: { readonly of: string }) =>
  /^\d{1,15}$/.test(of) ? <a href={commitAddress(Number(of))}>{indexed(Number(of))}</a> : <>{visible(of) || '–'}</>;
