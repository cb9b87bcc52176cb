import type { Index, TimeUs } from '@app/kernel';

/** What is told to whom. */
export interface WebhookDefinition {
  readonly description: string;
  /** `http:` or `https:`, without credentials. */
  readonly url: string;
  /** As the event stream takes them: keys by topic; none, or `*`: all of the topic. */
  readonly topics: readonly { readonly topic: string; readonly keys: readonly string[] }[];
  /** Types of events; empty: all. */
  readonly types: readonly string[];
  /** `*`: all. Events that are in no namespace always pass. */
  readonly namespace: string;
  readonly payload: 'full' | 'stub';
  /** How often one event is tried before it becomes a dead letter. */
  readonly maxAttempts: number;
}

export interface Webhook extends WebhookDefinition {
  readonly id: string;
  /** The secret that signs, encrypted. */
  readonly sealed: string;
  /** The secret before: signs as well until then. */
  readonly previous: { readonly sealed: string; readonly until: TimeUs } | null;
  readonly enabled: boolean;
  /** Why it was disabled, if the deliverer did that; else empty. */
  readonly trouble: string;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
}

export interface WebhooksState {
  readonly webhooks: readonly Webhook[];
  readonly modifyIndex: Index;
}

export const NO_WEBHOOKS: WebhooksState = { webhooks: [], modifyIndex: 0 };

/** Which event it was, and how its delivery ended. What it said is in the log, at that index. */
export interface FailedDelivery {
  /** What receivers know it by. */
  readonly deliveryId: string;
  readonly index: Index;
  /** Among the events of that commit, from 0. */
  readonly position: number;
  readonly topic: string;
  readonly type: string;
  readonly key: string;
  readonly namespace: string;
  readonly attempts: number;
  /** Of the last answer; 0: there was none. */
  readonly status: number;
  readonly error: string;
}

export interface DeadLetter extends FailedDelivery {
  /** When it was given up. */
  readonly time: TimeUs;
  /** It is to be delivered once more. */
  readonly isDue: boolean;
}

/** What came of the deliveries of one webhook. */
export interface WebhookLettersState {
  readonly letters: readonly DeadLetter[];
  /** Everything up to here was dealt with, at least. */
  readonly reached: Index;
  readonly redelivered: number;
  readonly discarded: number;
  readonly modifyIndex: Index;
}

export const NO_LETTERS: WebhookLettersState = {
  letters: [],
  reached: 0,
  redelivered: 0,
  discarded: 0,
  modifyIndex: 0,
};
