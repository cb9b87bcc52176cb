import { assertNever, US_PER_S, type Fact } from '@app/kernel';
import type { WebhookEvent, WebhookLetterEvent } from './events.js';
import {
  NO_LETTERS,
  NO_WEBHOOKS,
  type DeadLetter,
  type Webhook,
  type WebhookLettersState,
  type WebhooksState,
} from './state.js';

/** For so long a secret that was replaced signs as well: receivers need not learn of the new one at the same moment. */
const OVERLAP_US = 24 * 3_600 * US_PER_S;

/** All webhooks after one more event. */
export function evolveWebhooks(
  state: WebhooksState | undefined,
  { type, data }: WebhookEvent,
  { index, time }: Fact,
): WebhooksState {
  const { webhooks } = state ?? NO_WEBHOOKS;
  const known = webhooks.find(({ id }) => id === data.id);
  const replaced = (next: Partial<Webhook>): WebhooksState => ({
    webhooks: webhooks.map((one) => (one.id === data.id ? { ...one, ...next, modifyIndex: index } : one)),
    modifyIndex: index,
  });
  switch (type) {
    case 'WebhookDefined': {
      if (known === undefined) {
        const added = { ...data, previous: null, enabled: true, trouble: '', createIndex: index, modifyIndex: index };
        return { webhooks: [...webhooks, added], modifyIndex: index };
      }
      const previous =
        known.sealed === data.sealed ? known.previous : { sealed: known.sealed, until: time + OVERLAP_US };
      return replaced({ ...data, previous, enabled: true, trouble: '' });
    }
    case 'WebhookEnabled':
      return replaced({ enabled: true, trouble: '' });
    case 'WebhookDisabled':
      return replaced({ enabled: false, trouble: data.trouble });
    case 'WebhookDeleted':
      return { webhooks: webhooks.filter(({ id }) => id !== data.id), modifyIndex: index };
  }
  return assertNever(type);
}

/** What came of the deliveries of one webhook, after one more event. */
export function evolveWebhookLetters(
  state: WebhookLettersState | undefined,
  { type, data }: WebhookLetterEvent,
  { index, time }: Fact,
): WebhookLettersState {
  const before = { ...(state ?? NO_LETTERS), modifyIndex: index };
  const { letters } = before;
  const changed = (ids: readonly string[], next: (letter: DeadLetter) => DeadLetter): WebhookLettersState => ({
    ...before,
    letters: letters.map((letter) => (ids.includes(letter.deliveryId) ? next(letter) : letter)),
  });
  const without = (ids: readonly string[]): readonly DeadLetter[] =>
    letters.filter(({ deliveryId }) => !ids.includes(deliveryId));
  switch (type) {
    case 'WebhookDeliveryFailed':
      if (letters.some(({ deliveryId }) => deliveryId === data.deliveryId)) return before;
      return { ...before, letters: [...letters, { ...data, time, isDue: false }] };
    case 'WebhookRedeliveryRequested':
      return changed(data.deliveryIds, (letter) => ({ ...letter, isDue: true }));
    case 'WebhookRedeliveryFailed': {
      const { status, error } = data;
      const failed = { status, error, time, isDue: false };
      return changed([data.deliveryId], (letter) => ({ ...letter, ...failed, attempts: letter.attempts + 1 }));
    }
    case 'WebhookRedelivered': {
      const left = without([data.deliveryId]);
      return { ...before, letters: left, redelivered: before.redelivered + letters.length - left.length };
    }
    case 'WebhookLettersDiscarded': {
      const left = without(data.deliveryIds);
      return { ...before, letters: left, discarded: before.discarded + letters.length - left.length };
    }
    case 'WebhookReached':
      return { ...before, reached: Math.max(before.reached, data.index) };
    case 'WebhookLettersDropped':
      return { ...NO_LETTERS, modifyIndex: index };
  }
  return assertNever(type);
}
