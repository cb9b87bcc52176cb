import type { CommandContext, Decision, StateView, StreamName, TimeUs } from '@app/kernel';
import type { EventStore } from '@app/event-store';
import type { WebhookCursors } from '@app/read-models';
import type { EventFeed } from '@app/streaming';
import type { Pace } from './backoff.js';
import type { Signer } from './message.js';
import type { Sender } from './sender.js';

/** Where deliverers report how they fare. */
export interface WebhookMetrics {
  /** An attempt is over. */
  attempted(isTaken: boolean, seconds: number): void;
  /** An event became a dead letter. */
  givenUp(): void;
}

/** This instance delivers no longer, or not this webhook: another one does, or nobody. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}

/** What the deliverers of one term share. */
export interface Room {
  /** The epoch of the lease. */
  readonly term: number;
  /** Of the store. */
  readonly epoch: string;
  readonly store: Pick<EventStore, 'readAfter' | 'readBeginnings' | 'load' | 'readHead'>;
  readonly cursors: Pick<WebhookCursors, 'claim' | 'moved' | 'redelivered' | 'failed'>;
  readonly feed: Pick<EventFeed, 'after' | 'wait' | 'replay'>;
  readonly signer: Signer;
  readonly newSender: () => Pick<Sender, 'send' | 'close'>;
  /** Runs a decision as a command of this term. @throws Superseded, and Error when it found no turn */
  readonly execute: <A>(
    name: string,
    decide: (view: StateView, context: CommandContext) => Decision<A>,
    reads: readonly StreamName[],
    causation: string,
  ) => Promise<A>;
  readonly metrics: WebhookMetrics;
  readonly pace: Pace;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly now: () => TimeUs;
  readonly onError: (error: unknown) => void;
}
