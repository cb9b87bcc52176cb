import {
  accept,
  reject,
  webhookLettersStream,
  WEBHOOKS,
  type CommandContext,
  type Decision,
  type NewEvent,
  type StateView,
} from '@app/kernel';
import type { WebhookEvent, WebhookLetterEvent } from './events.js';
import { webhookProblems } from './problems.js';
import type { FailedDelivery, Webhook, WebhookDefinition, WebhookLettersState, WebhooksState } from './state.js';

const ID = /^[a-zA-Z0-9-_]{1,128}$/;
/** Each follows the log by itself. */
const MAX_WEBHOOKS = 50;
/** Of one webhook. None is dropped to make room: what has no room waits, as the webhook is disabled then. */
const MAX_LETTERS = 100;
const MAX_ERROR = 300;

const webhooksIn = (view: StateView): readonly Webhook[] => view.read<WebhooksState>(WEBHOOKS)?.webhooks ?? [];
const webhookIn = (view: StateView, id: string): Webhook | undefined => webhooksIn(view).find((one) => one.id === id);
const lettersIn = (view: StateView, id: string): WebhookLettersState | undefined =>
  view.read<WebhookLettersState>(webhookLettersStream(id));

const told = (event: WebhookEvent): NewEvent => ({ stream: WEBHOOKS, event });
const toldOf = (id: string, event: WebhookLetterEvent): NewEvent => ({ stream: webhookLettersStream(id), event });

export interface DefineWebhook {
  readonly id: string;
  readonly definition: WebhookDefinition;
  /** The secret that was given, encrypted; undefined: the present one stays. */
  readonly sealed: string | undefined;
  /** One that was made for the case that there is none, encrypted. */
  readonly generated: string;
  /** The generated one takes the place of the present one. */
  readonly isRenewed: boolean;
}

/** Makes a webhook, or another one of it, and enables it. Answer: the generated secret, if it counts now. Rejection: webhook-invalid (detail: the text). */
export function defineWebhook(
  view: StateView,
  _context: CommandContext,
  command: DefineWebhook,
): Decision<{ readonly generated: string | null }> {
  const { id, definition, sealed, generated, isRenewed } = command;
  const problems = webhookProblems(definition);
  if (!ID.test(id)) problems.unshift(`an id must match ${ID.source}`);
  const webhooks = webhooksIn(view);
  const known = webhooks.find((one) => one.id === id);
  if (known === undefined && webhooks.length >= MAX_WEBHOOKS)
    problems.push(`there are ${MAX_WEBHOOKS} webhooks already; delete one first`);
  if (problems.length > 0) return reject('webhook-invalid', problems.join('; '));
  const secret = isRenewed ? undefined : (sealed ?? known?.sealed);
  const data = { id, ...definition, sealed: secret ?? generated };
  return accept([told({ type: 'WebhookDefined', data })], { generated: secret === undefined ? generated : null });
}

/** Rejection: webhook-not-found (detail: the id). */
export function deleteWebhook(view: StateView, _context: CommandContext, { id }: { readonly id: string }): Decision {
  if (webhookIn(view, id) === undefined) return reject('webhook-not-found', id);
  const hasLetters = lettersIn(view, id) !== undefined;
  return accept([
    told({ type: 'WebhookDeleted', data: { id } }),
    ...(hasLetters ? [toldOf(id, { type: 'WebhookLettersDropped', data: {} })] : []),
  ]);
}

/** Lets it go on where it stopped; of one that is enabled nothing changes. Rejection: webhook-not-found (detail: the id). */
export function enableWebhook(view: StateView, _context: CommandContext, { id }: { readonly id: string }): Decision {
  const known = webhookIn(view, id);
  if (known === undefined) return reject('webhook-not-found', id);
  return accept(known.enabled ? [] : [told({ type: 'WebhookEnabled', data: { id } })]);
}

export interface DisableWebhook {
  readonly id: string;
  /** Why the deliverer does it; empty: somebody does. */
  readonly trouble: string;
  /** The definition that is meant: another one has not failed yet. Undefined: whichever. */
  readonly revision?: number;
}

/** Delivers nothing more until it is enabled; what happens meanwhile waits. Rejection: webhook-not-found (detail: the id). */
export function disableWebhook(view: StateView, _context: CommandContext, command: DisableWebhook): Decision {
  const { id, trouble, revision } = command;
  const known = webhookIn(view, id);
  if (known === undefined) return reject('webhook-not-found', id);
  if (!known.enabled || (revision !== undefined && revision !== known.modifyIndex)) return accept([]);
  return accept([told({ type: 'WebhookDisabled', data: { id, trouble: trouble.slice(0, MAX_ERROR) } })]);
}

/**
 * Gives an event up: it becomes a dead letter, and what comes after it may be delivered. With no room for one more the webhook is disabled instead. An
 * event that was given up already is not given up twice. Answer: whether it is a dead letter now. Rejection: webhook-not-found (detail: the id).
 */
export function giveUpDelivery(
  view: StateView,
  _context: CommandContext,
  command: { readonly id: string; readonly revision: number; readonly failed: FailedDelivery },
): Decision<{ readonly isKept: boolean }> {
  const { id, revision, failed } = command;
  const known = webhookIn(view, id);
  if (known === undefined) return reject('webhook-not-found', id);
  const letters = lettersIn(view, id)?.letters ?? [];
  if (letters.some(({ deliveryId }) => deliveryId === failed.deliveryId)) return accept([], { isKept: true });
  if (letters.length >= MAX_LETTERS) {
    if (!known.enabled || known.modifyIndex !== revision) return accept([], { isKept: false });
    const trouble = `there are ${MAX_LETTERS} dead letters: deliver them again or discard them, and enable it`;
    return accept([told({ type: 'WebhookDisabled', data: { id, trouble } })], { isKept: false });
  }
  const data = { ...failed, error: failed.error.slice(0, MAX_ERROR), key: failed.key.slice(0, MAX_ERROR) };
  return accept([toldOf(id, { type: 'WebhookDeliveryFailed', data })], { isKept: true });
}

/** Dead letters by their ids; undefined: all there are. */
export interface ChosenLetters {
  readonly id: string;
  readonly deliveryIds: readonly string[] | undefined;
}

function chosen(view: StateView, { id, deliveryIds }: ChosenLetters): Decision<readonly string[]> {
  if (webhookIn(view, id) === undefined) return reject('webhook-not-found', id);
  const there = (lettersIn(view, id)?.letters ?? []).map(({ deliveryId }) => deliveryId);
  const wanted = deliveryIds === undefined ? there : [...new Set(deliveryIds)];
  const missing = wanted.find((one) => !there.includes(one));
  return missing === undefined ? accept([], wanted) : reject('dead-letter-not-found', missing);
}

/**
 * Has dead letters delivered once more, out of their order. Answer: how many. Rejections: webhook-not-found, dead-letter-not-found, webhook-is-disabled
 * (detail: the id).
 */
export function redeliverLetters(
  view: StateView,
  _context: CommandContext,
  command: ChosenLetters,
): Decision<{ readonly count: number }> {
  const decision = chosen(view, command);
  if (decision.kind === 'rejected') return decision;
  if (webhookIn(view, command.id)?.enabled !== true) return reject('webhook-is-disabled', command.id);
  const deliveryIds = decision.answer;
  const event: WebhookLetterEvent = { type: 'WebhookRedeliveryRequested', data: { deliveryIds } };
  return accept(deliveryIds.length === 0 ? [] : [toldOf(command.id, event)], { count: deliveryIds.length });
}

/** Forgets dead letters: they are never delivered. Answer: how many. Rejections: webhook-not-found, dead-letter-not-found (detail: the id). */
export function discardLetters(
  view: StateView,
  _context: CommandContext,
  command: ChosenLetters,
): Decision<{ readonly count: number }> {
  const decision = chosen(view, command);
  if (decision.kind === 'rejected') return decision;
  const deliveryIds = decision.answer;
  const event: WebhookLetterEvent = { type: 'WebhookLettersDiscarded', data: { deliveryIds } };
  return accept(deliveryIds.length === 0 ? [] : [toldOf(command.id, event)], { count: deliveryIds.length });
}

export interface Redelivery {
  readonly id: string;
  readonly deliveryId: string;
  readonly isDelivered: boolean;
  readonly status: number;
  readonly error: string;
}

/** Notes what came of delivering a dead letter once more; one that is gone meanwhile stays gone. */
export function noteRedelivery(view: StateView, _context: CommandContext, command: Redelivery): Decision {
  const { id, deliveryId, isDelivered, status, error } = command;
  const letter = lettersIn(view, id)?.letters.find((one) => one.deliveryId === deliveryId);
  if (letter?.isDue !== true) return accept([]);
  return accept([
    toldOf(
      id,
      isDelivered
        ? { type: 'WebhookRedelivered', data: { deliveryId, status } }
        : { type: 'WebhookRedeliveryFailed', data: { deliveryId, status, error: error.slice(0, MAX_ERROR) } },
    ),
  ]);
}

/** Notes in the log how far a webhook is; only the present one of its name, and only forward. */
export function noteReached(
  view: StateView,
  _context: CommandContext,
  { id, createIndex, index }: { readonly id: string; readonly createIndex: number; readonly index: number },
): Decision {
  if (webhookIn(view, id)?.createIndex !== createIndex) return accept([]);
  if ((lettersIn(view, id)?.reached ?? 0) >= index) return accept([]);
  return accept([toldOf(id, { type: 'WebhookReached', data: { index } })]);
}
