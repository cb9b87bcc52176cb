import { many } from '@app/story';
import { ask } from '../parts/act.tsx';
import { Answer } from '../parts/answer.tsx';
import type { Given, Value } from '../parts/fields.tsx';
import { Ago, Table, Who } from '../parts/parts.tsx';
import { Action, Lacking } from '../parts/permitted.tsx';
import { wordsIn } from '../parts/topics.ts';
import { visible } from '../parts/words.ts';
import { useMay, usePolled } from '../store/use-polled.ts';
import type { Reading } from '../store/use-read.ts';

interface Freeze {
  readonly ID: string;
  readonly Namespaces: readonly string[];
  readonly Jobs: readonly string[];
  readonly Start: string | null;
  readonly End: string | null;
  readonly Cron: string;
  /** Nanoseconds. */
  readonly Duration: number;
  readonly TimeZone: string;
  readonly Reason: string;
  readonly Active: boolean;
  readonly Until: string | null;
  readonly Next: string | null;
  readonly Modified: { readonly Actor: string; readonly Time: string | null };
}

const PATH = '/v1/operator/rollbook/freezes';
const HOUR_NS = 3_600e9;

/** When may nobody change what? */
export function FreezesPage() {
  const freezes: Reading<readonly Freeze[]> = usePolled(PATH);
  const isAllowed = useMay()(`PUT ${PATH}/:id`);
  return (
    <Answer of={freezes} isPage>
      {(all) => (
        <>
          <h1 class="answer" aria-live="polite">
            {answer(all)}
          </h1>
          <div class="row">
            <Action isAllowed={isAllowed} isPrimary onClick={() => askToFreeze(all, false)}>
              Freeze once…
            </Action>
            <Action isAllowed={isAllowed} onClick={() => askToFreeze(all, true)}>
              Freeze again and again…
            </Action>
          </div>
          <Lacking isAllowed={isAllowed} what="make or end freezes" />
          {all.length === 0 ? (
            <p class="muted">
              A freeze holds up registering, stopping, scaling, reverting and promoting for whom it is about, and says
              why. What runs goes on.
            </p>
          ) : (
            <Table heads={['Freeze', 'About', 'When', 'Now', 'Why', 'By', 'Action']} caption="Freezes">
              {all.map((one) => (
                <tr key={one.ID}>
                  <th scope="row">{visible(one.ID)}</th>
                  <td>
                    {named(one.Jobs, ' jobs')}
                    <br />
                    <span class="muted">in {named(one.Namespaces, ' namespaces')}</span>
                  </td>
                  <td>{when(one)}</td>
                  <td>
                    {one.Active ? (
                      <>
                        frozen until <Moment at={one.Until} />
                      </>
                    ) : one.Next === null ? (
                      'over'
                    ) : (
                      <>
                        next <Moment at={one.Next} />
                      </>
                    )}
                  </td>
                  <td>
                    <q>{visible(one.Reason)}</q>
                  </td>
                  <td>
                    <Who of={one.Modified.Actor} />, <Ago at={one.Modified.Time ?? ''} />
                  </td>
                  <td>
                    <Action
                      isAllowed={isAllowed}
                      label={`End the freeze ${visible(one.ID)}`}
                      onClick={() => askToEnd(one)}
                    >
                      End…
                    </Action>
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </>
      )}
    </Answer>
  );
}

function answer(all: readonly Freeze[]): string {
  const active = all.filter(({ Active }) => Active);
  const [first] = active;
  if (first === undefined)
    return all.length === 0
      ? 'Nothing is frozen, now or later.'
      : `Nothing is frozen now; ${many(all.length, 'window')} known.`;
  if (active.length > 1) return `${many(active.length, 'freeze')} hold changes up now.`;
  return `Frozen until ${local(first.Until)} by ${visible(first.ID)}: ${visible(first.Reason)}`;
}

const named = (globs: readonly string[], of: string): string =>
  globs.length === 1 && globs[0] === '*' ? `all${of}` : globs.map((one) => visible(one)).join(', ');

const local = (at: string | null): string => (at === null ? '' : new Date(at).toLocaleString());

const Moment = ({ at }: { readonly at: string | null }) =>
  at === null ? null : (
    <time dateTime={at} title={at}>
      {local(at)}
    </time>
  );

function when({ Cron, Start, End, Duration, TimeZone }: Freeze) {
  if (Cron !== '')
    return (
      <>
        <code>{visible(Cron)}</code> for {Number((Duration / HOUR_NS).toFixed(2))} h, {visible(TimeZone)}
      </>
    );
  return (
    <>
      {Start === null ? 'at once' : <Moment at={Start} />} to <Moment at={End} />
    </>
  );
}

/** As the field has it, without a zone: that of whoever looks. */
const timeIn = (value: Value | undefined): string => {
  const ms = Date.parse(String(value ?? ''));
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString();
};

const ABOUT: readonly Given[] = [
  { kind: 'text', name: 'id', label: 'Name, one that is not taken', initial: '' },
  { kind: 'text', name: 'told', label: 'What is said to whom it holds up', initial: '' },
  { kind: 'text', name: 'jobs', label: 'Jobs (globs such as shop*, with spaces between)', initial: '*' },
  { kind: 'text', name: 'namespaces', label: 'Namespaces (globs)', initial: '*' },
];
const ONCE: readonly Given[] = [
  { kind: 'text', name: 'start', label: 'From (empty: at once)', initial: '', isTime: true },
  { kind: 'text', name: 'end', label: 'Until', initial: '', isTime: true },
];
const AGAIN: readonly Given[] = [
  { kind: 'text', name: 'cron', label: 'Begins (cron, such as 0 18 * * 5)', initial: '' },
  { kind: 'text', name: 'duration', label: 'Lasts (such as 60h)', initial: '' },
  { kind: 'text', name: 'zone', label: 'On the clocks of', initial: Intl.DateTimeFormat().resolvedOptions().timeZone },
];

const askToFreeze = (all: readonly Freeze[], isAgain: boolean): void =>
  ask({
    title: isAgain ? 'Freeze again and again?' : 'Freeze once?',
    effect:
      'While it lasts, nobody registers, stops, scales, reverts or promotes what it is about, but by an override with a reason. Rollouts that have begun go on.',
    verb: 'Freeze',
    fields: [...ABOUT, ...(isAgain ? AGAIN : ONCE)],
    steps: (values) => {
      const id = String(values.get('id') ?? '').trim();
      // A name that is taken would change the freeze that has it.
      if (id === '' || all.some(({ ID }) => ID === id)) return [];
      const body = {
        Reason: String(values.get('told') ?? ''),
        Jobs: wordsIn(values.get('jobs')),
        Namespaces: wordsIn(values.get('namespaces')),
        ...(isAgain
          ? { Cron: values.get('cron'), Duration: values.get('duration'), TimeZone: values.get('zone') }
          : { Start: timeIn(values.get('start')), End: timeIn(values.get('end')) }),
      };
      return [{ path: `${PATH}/${encodeURIComponent(id)}`, body }];
    },
  });

const askToEnd = ({ ID, Active }: Freeze): void =>
  ask({
    title: `End the freeze ${visible(ID)}?`,
    effect: Active ? 'What it holds up may be changed again at once.' : 'It will not hold anything up any more.',
    verb: 'End it',
    steps: [{ method: 'DELETE', path: `${PATH}/${encodeURIComponent(ID)}` }],
    command: `curl -X DELETE ${location.origin}${PATH}/${encodeURIComponent(ID)}`,
  });
