import { many } from '@app/story';
import { commitAddress, webhookAddress } from '../address/address.ts';
import { Answer } from '../parts/answer.tsx';
import { Choose, chosen, Chosen } from '../parts/choice.tsx';
import { Ago, Table, Who, Why } from '../parts/parts.tsx';
import { Action, Lacking } from '../parts/permitted.tsx';
import {
  askForSecret,
  askToAdd,
  askToChange,
  askToDelete,
  askToDiscard,
  askToRedeliver,
  askToSwitch,
  askToTest,
  madeSecret,
  tested,
  WEBHOOKS,
  type DeadLetter,
  type Webhook,
} from '../parts/webhook-actions.tsx';
import { topicsText } from '../parts/topics.ts';
import { indexed, visible } from '../parts/words.ts';
import { useMay, usePolled } from '../store/use-polled.ts';
import type { Reading } from '../store/use-read.ts';

const MAY_CHANGE = `PUT ${WEBHOOKS}/:id`;

/** Who is told of events, and does it work? */
export function WebhooksPage() {
  const webhooks: Reading<readonly Webhook[]> = usePolled(WEBHOOKS);
  const isAllowed = useMay()(MAY_CHANGE);
  return (
    <Answer of={webhooks} isPage>
      {(all) => (
        <>
          <h1 class="answer" aria-live="polite">
            {answerOfAll(all)}
          </h1>
          <div class="row">
            <Action isAllowed={isAllowed} isPrimary onClick={() => askToAdd(all)}>
              Add a webhook…
            </Action>
          </div>
          <Lacking isAllowed={isAllowed} what="change webhooks" />
          <MadeSecret />
          {all.length > 0 && (
            <Table heads={['Webhook', 'State', 'Told of', 'Last told', 'Behind', 'Dead letters']} caption="Webhooks">
              {all.map((one) => (
                <tr key={one.ID}>
                  <th scope="row">
                    <a href={webhookAddress(one.ID)}>{visible(one.ID)}</a>
                  </th>
                  <td class="nowrap">{one.State}</td>
                  <td>
                    {visible(topicsText(one.Topics))} <span class="muted">in {inNamespace(one)}</span>
                  </td>
                  <td>{one.LastDelivered === null ? 'never' : <Ago at={one.LastDelivered} />}</td>
                  <td>{one.Lag === 0 ? '–' : many(one.Lag, 'commit')}</td>
                  <td>{one.DeadLetters === 0 ? '–' : one.DeadLetters}</td>
                </tr>
              ))}
            </Table>
          )}
        </>
      )}
    </Answer>
  );
}

function answerOfAll(all: readonly Webhook[]): string {
  if (all.length === 0) return 'Nobody is told of events by HTTP.';
  const failing = all.filter(({ State }) => State === 'failing').length;
  const disabled = all.filter(({ State }) => State === 'disabled').length;
  const letters = all.reduce((sum, { DeadLetters }) => sum + DeadLetters, 0);
  const troubles = [
    ...(failing > 0 ? [`${failing} ${failing === 1 ? 'fails' : 'fail'}`] : []),
    ...(disabled > 0 ? [`${disabled} ${disabled === 1 ? 'is' : 'are'} disabled`] : []),
    ...(letters > 0 ? [`${many(letters, 'dead letter')} ${letters === 1 ? 'waits' : 'wait'} for you`] : []),
  ];
  return `${many(all.length, 'webhook')}: ${troubles.length === 0 ? 'all are told of everything' : troubles.join(', ')}.`;
}

const inNamespace = ({ Namespace }: Webhook): string => (Namespace === '*' ? 'all namespaces' : visible(Namespace));

export function WebhookPage({ id }: { readonly id: string }) {
  const webhook: Reading<Webhook> = usePolled(`${WEBHOOKS}/${encodeURIComponent(id)}`);
  const isAllowed = useMay()(MAY_CHANGE);
  return (
    <Answer of={webhook} isPage>
      {(one) => (
        <>
          <h1 class="answer" aria-live="polite">
            <AnswerOf of={one} />
          </h1>
          <div class="row">
            <Action isAllowed={isAllowed} onClick={() => askToTest(one)}>
              Send a test…
            </Action>
            <Action isAllowed={isAllowed} isPrimary={one.State === 'disabled'} onClick={() => askToSwitch(one)}>
              {one.State === 'disabled' ? 'Enable…' : 'Disable…'}
            </Action>
            <Action isAllowed={isAllowed} onClick={() => askToChange(one)}>
              Change…
            </Action>
            <Action isAllowed={isAllowed} onClick={() => askForSecret(one)}>
              New secret…
            </Action>
            <Action isAllowed={isAllowed} onClick={() => askToDelete(one)}>
              Delete…
            </Action>
          </div>
          <Lacking isAllowed={isAllowed} what="change webhooks" />
          <MadeSecret />
          <Tested id={id} />
          <Facts of={one} />
          <h2>Dead letters</h2>
          <Letters of={one} letters={one.Letters ?? []} isAllowed={isAllowed} />
        </>
      )}
    </Answer>
  );
}

function AnswerOf({ of }: { readonly of: Webhook }) {
  const name = visible(of.ID);
  if (of.State === 'disabled')
    return (
      <>
        {name} is disabled{of.Trouble === '' ? '' : `: ${visible(of.Trouble)}`}.
      </>
    );
  if (of.State === 'failing')
    return (
      <>
        {name} takes nothing: {visible(of.LastError)}.
      </>
    );
  return (
    <>
      {name} {of.LastDelivered === null ? 'has not been told of anything yet' : 'takes what it is told'}.
    </>
  );
}

function Facts({ of }: { readonly of: Webhook }) {
  const rows: readonly (readonly [string, preact.ComponentChildren])[] = [
    ['Address', <code>{visible(of.URL)}</code>],
    [
      'Told of',
      <>
        {visible(topicsText(of.Topics))} in {inNamespace(of)}
        {of.Types.length > 0 && `: ${visible(of.Types.join(', '))}`}, {of.Payload === 'stub' ? 'in short' : 'complete'}
      </>,
    ],
    [
      'So far',
      <>
        {of.Delivered} told, up to {indexed(of.Index)},{' '}
        {of.Lag === 0 ? 'nothing waits' : `${many(of.Lag, 'commit')} behind`}
      </>,
    ],
    ...(of.FailingSince === null
      ? []
      : ([
          [
            'Fails',
            <>
              since <Ago at={of.FailingSince} />
              {of.Attempts > 0 && `, ${of.Attempts} of ${of.MaxAttempts} attempts at the next event`}
            </>,
          ],
        ] as const)),
    ...(of.PreviousSecretUntil === null
      ? []
      : ([['Signed by two secrets', <>until {new Date(of.PreviousSecretUntil).toLocaleString()}</>]] as const)),
    ['Made', <From of={of.Created} />],
    ['Last changed', <From of={of.Modified} />],
  ];
  return (
    <Table heads={['What', 'How']} caption="About it">
      {rows.map(([head, value]) => (
        <tr key={head}>
          <th scope="row">{head}</th>
          <td>{value}</td>
        </tr>
      ))}
    </Table>
  );
}

const From = ({ of }: { readonly of: Webhook['Created'] }) => (
  <>
    by <Who of={of.Actor} />, <Ago at={of.Time ?? ''} /> <Why of={of.Reason} />
  </>
);

function Letters({
  of,
  letters,
  isAllowed,
}: {
  readonly of: Webhook;
  readonly letters: readonly DeadLetter[];
  readonly isAllowed: boolean;
}) {
  if (letters.length === 0)
    return (
      <p class="muted">
        None: each event was taken{of.Redelivered + of.Discarded > 0 ? ', delivered later or discarded' : ''}.
      </p>
    );
  const picked = letters.filter(({ ID }) => chosen.value.has(ID));
  return (
    <>
      <Chosen count={picked.length} noun="dead letter">
        <Action isAllowed={isAllowed} onClick={() => askToRedeliver(of, picked)}>
          Deliver {picked.length} again…
        </Action>
        <Action isAllowed={isAllowed} onClick={() => askToDiscard(of, picked)}>
          Discard {picked.length}…
        </Action>
      </Chosen>
      {picked.length === 0 && (
        <div class="row">
          <Action isAllowed={isAllowed && of.State !== 'disabled'} onClick={() => askToRedeliver(of, letters)}>
            Deliver all again…
          </Action>
          <Action isAllowed={isAllowed} onClick={() => askToDiscard(of, letters)}>
            Discard all…
          </Action>
        </div>
      )}
      <Table heads={['Event', 'About', 'Commit', 'Attempts', 'Answer', 'Given up']} caption="Dead letters">
        {letters.map((one) => (
          <tr key={one.ID}>
            <td>
              <Choose id={one.ID} called={visible(one.ID)} /> {visible(one.Type)}
            </td>
            <td>
              {visible(one.Topic)} {visible(one.Key)}
              {one.Namespace !== '' && <span class="muted"> in {visible(one.Namespace)}</span>}
            </td>
            <td>
              <a href={commitAddress(one.Index)}>{indexed(one.Index)}</a>
            </td>
            <td>{one.Attempts}</td>
            <td>{one.IsDue ? 'on its way once more' : visible(one.Error)}</td>
            <td>
              <Ago at={one.Time} />
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}

/** Shown once: whoever closes it has it, or makes another one. */
function MadeSecret() {
  const made = madeSecret.value;
  return (
    <div class={made ? 'done' : 'hidden'} role="status">
      {made && (
        <>
          <p>The secret of {visible(made.id)}, shown this once:</p>
          <p>
            <code>{visible(made.secret)}</code>
          </p>
          <div class="row">
            <button type="button" onClick={() => void navigator.clipboard?.writeText(made.secret)}>
              Copy it
            </button>
            <button type="button" onClick={() => (madeSecret.value = undefined)}>
              I have it
            </button>
          </div>
        </>
      )}
    </div>
  );
}

function Tested({ id }: { readonly id: string }) {
  const last = tested.value?.id === id ? tested.value : undefined;
  return (
    <p class={last ? 'done' : 'hidden'} role="status">
      {last &&
        (last.error === '' ? `The test was taken: ${last.status}.` : `The test was not taken: ${visible(last.error)}.`)}
    </p>
  );
}
