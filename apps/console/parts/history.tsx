import { useRead } from '../store/use-read.ts';
import { Ago, Answer, Table } from './parts.tsx';
import { visible } from './words.ts';

interface Event {
  readonly Index: number;
  readonly Time: string;
  readonly Type: string;
  readonly Actor: string;
  readonly Reason: string;
  readonly Data: unknown;
}

const MOST_LINES = 200;

/** `AllocationStopDesired` → "allocation stop desired". */
const inWords = (type: string): string =>
  visible(type)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();

/** All that happened to one object, who did it and why; the newest first. */
export function History({
  kind,
  id,
  namespace = 'default',
}: {
  readonly kind: string;
  readonly id: string;
  readonly namespace?: string;
}) {
  const events = useRead<readonly Event[]>(
    `/v1/operator/rollbook/history/${kind}/${encodeURIComponent(id)}?namespace=${encodeURIComponent(namespace)}`,
    { keys: [id] },
  );
  return (
    <Answer of={events} empty="Nothing has happened yet.">
      {(all) => (
        <Table heads={['Index', 'When', 'What', 'Who', 'Why']} caption="History">
          {[...all].reverse().map((event, at) => (
            <tr key={`${event.Index} ${all.length - at}`}>
              <td>#{event.Index}</td>
              <td>
                <Ago at={event.Time} />
              </td>
              <td>
                <details>
                  <summary>{inWords(event.Type)}</summary>
                  <pre tabIndex={0}>
                    {JSON.stringify(event.Data, null, 2).split('\n').slice(0, MOST_LINES).map(visible).join('\n')}
                  </pre>
                </details>
              </td>
              <td>{visible(event.Actor)}</td>
              <td>
                {event.Reason === '' ? <span class="muted">no reason given</span> : <q>{visible(event.Reason)}</q>}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Answer>
  );
}
