import { sentenceOf } from '@app/story';
import { commitAddress } from '../address/address.ts';
import { useRead } from '../store/use-read.ts';
import { Answer } from './answer.tsx';
import { Ago, Table, Who, Why } from './parts.tsx';
import type { Event } from './event.ts';
import { inWords, indexed, visible } from './words.ts';

const MOST_LINES = 200;

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
              <td>
                <a href={commitAddress(event.Index)}>{indexed(event.Index)}</a>
              </td>
              <td>
                <Ago at={event.Time} />
              </td>
              <td>
                <Told of={event} />
              </td>
              <td>
                <Who of={event.Actor} />
              </td>
              <td>
                <Why of={event.Reason} by={event.Actor} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Answer>
  );
}

/** An event in words, and as it stands in the log. */
export const Told = ({ of }: { readonly of: Pick<Event, 'Type' | 'Data'> }) => (
  <details>
    <summary title={inWords(of.Type)}>{visible(sentenceOf(of.Type, of.Data))}</summary>
    <Json of={of.Data} />
  </details>
);

export const Json = ({ of }: { readonly of: unknown }) => (
  <pre tabIndex={0}>{(JSON.stringify(of, null, 2) ?? '').split('\n').slice(0, MOST_LINES).map(visible).join('\n')}</pre>
);
