import { duration, many } from '@app/story';
import { Answer } from '../parts/answer.tsx';
import { Table } from '../parts/parts.tsx';
import { WEBHOOKS, type Webhook } from '../parts/webhook-actions.tsx';
import { indexed, visible } from '../parts/words.ts';
import { usePolled } from '../store/use-polled.ts';
import type { Reading } from '../store/use-read.ts';

interface Lease {
  readonly Name: string;
  readonly Holder: string;
  readonly Epoch: number;
  readonly Expires: string;
  readonly ThisInstance: boolean;
}

interface Member {
  readonly Name: string;
  readonly Addr: string;
  readonly Port: number;
  readonly Status: string;
  readonly Tags: Readonly<Record<string, string>> | null;
}

const FORBIDDEN = 403;

/** What a lease is for. */
const DOES = new Map([
  ['scheduler', 'leads'],
  ['relay', 'publishes to Kafka'],
  ['webhooks', 'delivers to webhooks'],
]);

/** Who does what, and is anything behind? */
export function ServersPage() {
  const leases: Reading<readonly Lease[]> = usePolled('/v1/operator/rollbook/leases');
  const members: Reading<{ readonly Members: readonly Member[] }> = usePolled('/v1/agent/members');
  const metrics: Reading<string> = usePolled('/metrics', 'as text');
  const webhooks: Reading<readonly Webhook[]> = usePolled(WEBHOOKS);
  return (
    <>
      <h1 class="answer" aria-live="polite">
        {leases.value === undefined ? 'Who leads what' : answer(leases.value)}
      </h1>
      <h2>Leases</h2>
      <Answer of={leases} empty="Nobody leads anything.">
        {(all) => (
          <Table heads={['Lease', 'Holder', 'Epoch', 'Until']} caption="Leases">
            {all.map((one) => (
              <tr key={one.Name}>
                <th scope="row">{visible(one.Name)}</th>
                <td>
                  {one.Holder === '' ? 'nobody' : visible(one.Holder)}
                  {one.ThisInstance ? ' (answers you)' : ''}
                </td>
                <td>{one.Epoch}</td>
                <td>
                  <code>{visible(one.Expires)}</code>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Answer>
      <h2>Lags</h2>
      <Answer of={metrics}>{(text) => <Lags text={text} leases={leases.value} webhooks={webhooks} />}</Answer>
      <h2>Instances</h2>
      <Answer of={members}>
        {({ Members }) => (
          <Table heads={['Instance', 'Address', 'Status', 'Release']} caption="Instances">
            {Members.map((one) => (
              <tr key={`${one.Name} ${one.Addr} ${one.Port}`}>
                <th scope="row">{visible(one.Name)}</th>
                <td>
                  <code>
                    {visible(one.Addr)}:{one.Port}
                  </code>
                </td>
                <td>{visible(one.Status)}</td>
                <td>{visible(one.Tags?.['build'])}</td>
              </tr>
            ))}
          </Table>
        )}
      </Answer>
    </>
  );
}

function answer(leases: readonly Lease[]): string {
  const said = leases
    .filter(({ Holder }) => Holder !== '')
    .map(({ Name, Holder }) => `${visible(Holder.split('/')[0])} ${DOES.get(Name) ?? `holds ${visible(Name)}`}`);
  const leader = leases.find(({ Name }) => Name === 'scheduler');
  const unled = leader?.Holder ? [] : ['nobody leads: evaluations wait'];
  return `${[...unled, ...said].join('; ')}.`;
}

/** The value of a metric without labels; undefined: this instance does not show it. */
function metricIn(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
  const value = Number(found);
  return found === undefined || Number.isNaN(value) ? undefined : value;
}

function Lags({
  text,
  leases = [],
  webhooks,
}: {
  readonly text: string;
  readonly leases: readonly Lease[] | undefined;
  readonly webhooks: Reading<readonly Webhook[]>;
}) {
  const index = metricIn(text, 'rollbook_log_index');
  const contact = metricIn(text, 'rollbook_log_contact_seconds');
  const rows: readonly (readonly [string, string])[] = [
    ['Log, as this instance has applied it', `up to ${indexed(index ?? 0)}, asked ${duration(contact ?? 0)} ago`],
    ['Kafka', relayLag(text, leases)],
    ['Webhooks', webhookLag(webhooks)],
  ];
  return (
    <Table heads={['What', 'How far']} caption="Lags">
      {rows.map(([what, far]) => (
        <tr key={what}>
          <th scope="row">{what}</th>
          <td>{far}</td>
        </tr>
      ))}
    </Table>
  );
}

function relayLag(text: string, leases: readonly Lease[]): string {
  const holder = leases.find(({ Name }) => Name === 'relay')?.Holder;
  if (!holder) return 'nobody publishes';
  const commits = metricIn(text, 'rollbook_relay_lag_commits');
  const seconds = metricIn(text, 'rollbook_relay_lag_seconds');
  const failing = metricIn(text, 'rollbook_relay_failing_seconds') ?? 0;
  if (failing > 0) return `every attempt has failed for ${duration(failing)}; nothing is lost`;
  if (commits === undefined || seconds === undefined) return `${visible(holder)} publishes, and knows`;
  return commits === 0
    ? 'everything is there'
    : `${many(commits, 'commit')} behind, the oldest ${duration(seconds)} old`;
}

function webhookLag({ value: all, error }: Reading<readonly Webhook[]>): string {
  if (all === undefined && error === undefined) return 'not read yet';
  if (all === undefined) return error?.status === FORBIDDEN ? 'your token may not read them' : 'they could not be read';
  const enabled = all.filter(({ State }) => State !== 'disabled');
  const behind = Math.max(0, ...enabled.map(({ Lag }) => Lag));
  if (all.length === 0) return 'there are none';
  return behind === 0 ? 'all are told of everything' : `the last one is ${many(behind, 'commit')} behind`;
}
