import { many } from '@app/story';
import { signal } from '@preact/signals';
import { go } from '../store/go.ts';
import { ask } from './act.tsx';
import type { Given, Value } from './fields.tsx';
import { topicsIn, topicsText, wordsIn, type Topics } from './topics.ts';
import { visible } from './words.ts';

/** What `/v1/operator/rollbook/webhooks` tells; one alone has its letters, too. */
export interface Webhook {
  readonly ID: string;
  readonly Description: string;
  readonly URL: string;
  readonly Topics: Topics;
  readonly Types: readonly string[];
  readonly Namespace: string;
  readonly Payload: string;
  readonly MaxAttempts: number;
  readonly Trouble: string;
  readonly State: 'delivering' | 'failing' | 'disabled';
  readonly Index: number;
  readonly Lag: number;
  readonly Delivered: number;
  readonly Attempts: number;
  readonly FailingSince: string | null;
  readonly NextAttempt: string | null;
  readonly LastStatus: number;
  readonly LastError: string;
  readonly LastDelivered: string | null;
  readonly PreviousSecretUntil: string | null;
  readonly DeadLetters: number;
  readonly Redelivered: number;
  readonly Discarded: number;
  readonly Created: Origin;
  readonly Modified: Origin;
  readonly Letters?: readonly DeadLetter[];
}

interface Origin {
  readonly Actor: string;
  readonly Reason: string;
  readonly Time: string | null;
}

export interface DeadLetter {
  readonly ID: string;
  readonly Index: number;
  readonly Topic: string;
  readonly Type: string;
  readonly Key: string;
  readonly Namespace: string;
  readonly Attempts: number;
  readonly Error: string;
  readonly Time: string;
  readonly IsDue: boolean;
}

export const WEBHOOKS = '/v1/operator/rollbook/webhooks';
const pathOf = (id: string, sub = ''): string => `${WEBHOOKS}/${encodeURIComponent(id)}${sub}`;

/** A secret that was made just now: it is shown once, and kept nowhere. */
export const madeSecret = signal<{ readonly id: string; readonly secret: string } | undefined>(undefined);
/** What the receiver said to the last test. */
export const tested = signal<{ readonly id: string; readonly status: number; readonly error: string } | undefined>(
  undefined,
);

const keepSecret =
  (id: string) =>
  (answer: string): void => {
    const { Secret } = JSON.parse(answer) as { readonly Secret?: string };
    if (Secret !== undefined) madeSecret.value = { id, secret: Secret };
  };

const fieldsOf = (one?: Webhook): readonly Given[] => [
  { kind: 'text', name: 'url', label: 'Address (https://…)', initial: one?.URL ?? '' },
  {
    kind: 'text',
    name: 'topics',
    label: 'Topics, such as Deployment Job:web (empty: all)',
    initial: one === undefined ? 'Deployment' : topicsText(one.Topics),
  },
  { kind: 'text', name: 'types', label: 'Types of events (empty: all)', initial: one?.Types.join(' ') ?? '' },
  { kind: 'text', name: 'namespace', label: 'Namespace (* is all)', initial: one?.Namespace ?? 'default' },
  { kind: 'choice', name: 'payload', label: 'Objects', initial: one?.Payload ?? 'stub', among: ['stub', 'full'] },
];

const bodyOf = (values: ReadonlyMap<string, Value>, one?: Webhook): object => ({
  URL: String(values.get('url') ?? '').trim(),
  Topics: topicsIn(values.get('topics')),
  Types: wordsIn(values.get('types')),
  Namespace: String(values.get('namespace') ?? '').trim(),
  Payload: values.get('payload'),
  ...(one !== undefined && { Description: one.Description, MaxAttempts: one.MaxAttempts }),
});

export const askToAdd = (all: readonly Webhook[]): void =>
  ask({
    title: 'Add a webhook?',
    effect: 'It is told of each event from now on, in order, signed by a secret that is shown to you once.',
    verb: 'Add it',
    fields: [{ kind: 'text', name: 'id', label: 'Name, one that is not taken', initial: '' }, ...fieldsOf()],
    steps: (values) => {
      const id = String(values.get('id') ?? '').trim();
      // A name that is taken would change the webhook that has it.
      if (id === '' || all.some(({ ID }) => ID === id)) return [];
      return [{ path: pathOf(id), body: bodyOf(values), taken: keepSecret(id) }];
    },
  });

export const askToChange = (one: Webhook): void =>
  ask({
    title: `Change webhook ${visible(one.ID)}?`,
    effect: 'What it has not been told yet, it is told as it is then. Its secret stays. A disabled one is enabled.',
    verb: 'Change it',
    fields: fieldsOf(one),
    steps: (values) => [{ path: pathOf(one.ID), body: bodyOf(values, one) }],
  });

export const askForSecret = (one: Webhook): void =>
  ask({
    title: `Make a new secret for ${visible(one.ID)}?`,
    effect: 'It is shown to you once. For a day, what is sent is signed by the one before as well.',
    verb: 'Make it',
    steps: [
      {
        path: pathOf(one.ID),
        body: {
          ...{ URL: one.URL, Topics: one.Topics, Types: one.Types, Namespace: one.Namespace, Payload: one.Payload },
          ...{ Description: one.Description, MaxAttempts: one.MaxAttempts, NewSecret: true },
        },
        taken: keepSecret(one.ID),
      },
    ],
  });

export const askToSwitch = (one: Webhook): void => {
  const isOff = one.State === 'disabled';
  ask({
    title: `${isOff ? 'Enable' : 'Disable'} webhook ${visible(one.ID)}?`,
    effect: isOff
      ? 'It goes on where it stopped: what happened meanwhile is told first.'
      : 'Nothing is told until it is enabled; what happens meanwhile waits.',
    verb: isOff ? 'Enable it' : 'Disable it',
    steps: [{ path: pathOf(one.ID, isOff ? '/enable' : '/disable') }],
  });
};

export const askToTest = (one: Webhook): void =>
  ask({
    title: `Send a test to ${visible(one.ID)}?`,
    effect: 'One message that tells nothing goes to its address, and the answer is shown here. Nothing of it is kept.',
    verb: 'Send it',
    isHeldBySight: false,
    isUnexplained: true,
    steps: [
      {
        path: pathOf(one.ID, '/test'),
        taken: (answer) => {
          const { Status, Error: error } = JSON.parse(answer) as { readonly Status: number; readonly Error: string };
          tested.value = { id: one.ID, status: Status, error };
        },
      },
    ],
  });

export const askToDelete = (one: Webhook): void =>
  ask({
    title: `Delete webhook ${visible(one.ID)}?`,
    effect: `It is told nothing more. ${one.DeadLetters === 0 ? 'It has no dead letters.' : `Its ${many(one.DeadLetters, 'dead letter')} ${one.DeadLetters === 1 ? 'goes' : 'go'} with it.`}`,
    verb: 'Delete it',
    steps: [{ method: 'DELETE', path: pathOf(one.ID), taken: () => go('/ui/webhooks') }],
  });

const bodyFor = (letters: readonly DeadLetter[]): object => ({ IDs: letters.map(({ ID }) => ID) });

export const askToRedeliver = (one: Webhook, letters: readonly DeadLetter[]): void =>
  ask({
    title: `Deliver ${many(letters.length, 'dead letter')} once more?`,
    effect: 'One attempt each, out of their order; what is taken is no dead letter any more.',
    verb: 'Deliver',
    steps: [{ path: pathOf(one.ID, '/redeliver'), body: bodyFor(letters) }],
  });

export const askToDiscard = (one: Webhook, letters: readonly DeadLetter[]): void =>
  ask({
    title: `Discard ${many(letters.length, 'dead letter')}?`,
    effect: 'What is discarded is never delivered. The log keeps the events, and your reason.',
    verb: 'Discard',
    needsReason: true,
    steps: [{ path: pathOf(one.ID, '/discard'), body: bodyFor(letters) }],
  });
