import { LeaseHolder, type CommandHandler, type EventStore, type Leases } from '@app/event-store';
import type { Keyring } from '@app/keyring';
import type { TimeUs } from '@app/kernel';
import type { WebhookCursors } from '@app/read-models';
import { EventFeed, type LogTail } from '@app/streaming';
import type { IsAllowed } from './addresses.js';
import { PACE, type Pace } from './backoff.js';
import { LEASE_RENEW_MS, LEASE_TTL_MS } from './limits.js';
import { Signer } from './message.js';
import { Superseded, type Room, type WebhookMetrics } from './room.js';
import { Sender } from './sender.js';
import { Term, type WebhooksTally } from './term.js';

/** The lease of the one instance that delivers. */
export const WEBHOOK_LEASE = 'webhooks';

export interface WebhookLeaderOptions {
  readonly store: EventStore & Pick<Leases, 'acquireLease' | 'renewLease' | 'releaseLease'>;
  readonly handler: Pick<CommandHandler, 'execute'>;
  readonly tail: Pick<LogTail, 'applied' | 'onCommit' | 'reached' | 'readIndex'>;
  readonly cursors: WebhookCursors;
  readonly keyring: Pick<Keyring, 'openSecret'>;
  readonly isAllowed: IsAllowed;
  /** Name of this instance, as leases show it. */
  readonly holder: string;
  readonly clock: () => TimeUs;
  readonly metrics: WebhookMetrics;
  readonly onError: (error: unknown) => void;
  readonly onChange: (leads: boolean) => void;
  readonly pace?: Pace;
}

/** Delivers for all webhooks while it holds the lease. What a holder that was paused past it still writes, is refused: in the log and in the cursors. */
export class WebhookLeader {
  private readonly lease: LeaseHolder;
  private term: Term | undefined;
  private epoch = '';

  constructor(private readonly options: WebhookLeaderOptions) {
    const { store, tail, holder, onError, onChange } = options;
    const feed = new EventFeed(store, tail, onError);
    this.lease = new LeaseHolder({
      leases: store,
      lease: WEBHOOK_LEASE,
      holder,
      pace: { ttlMs: LEASE_TTL_MS, renewMs: LEASE_RENEW_MS, tryMs: LEASE_RENEW_MS },
      prepare: async () => {
        await tail.readIndex();
        this.epoch = (await store.readHead()).storeEpoch;
      },
      begin: (epoch) => {
        const term = new Term({ ...this.roomOf(epoch, feed), feed, tail, cursors: options.cursors });
        this.term = term;
        term.start();
        return async () => {
          this.term = undefined;
          await term.stop();
        };
      },
      onError,
      onChange,
    });
  }

  /** The epoch of the lease while this instance holds it; 0: it does not. */
  get heldEpoch(): number {
    return this.lease.epoch;
  }

  /** How the webhooks fare; undefined: another instance delivers. */
  get tally(): WebhooksTally | undefined {
    return this.term?.tally;
  }

  /** Tries at once, and then every second. */
  start(): Promise<void> {
    return this.lease.start();
  }

  /** Hands over: another instance can deliver within moments. */
  close(): Promise<void> {
    return this.lease.close();
  }

  private roomOf(term: number, feed: EventFeed): Room {
    const { store, handler, cursors, keyring, isAllowed, holder, clock, metrics, onError, pace = PACE } = this.options;
    return {
      term,
      epoch: this.epoch,
      store,
      cursors,
      feed,
      signer: new Signer(keyring, clock),
      newSender: () => new Sender(isAllowed),
      async execute(name, decide, reads, causation) {
        const meta = { actor: `webhooks ${holder}`, causation };
        const outcome = await handler.execute({
          name,
          decide,
          meta,
          reads,
          fence: { lease: WEBHOOK_LEASE, epoch: term },
        });
        if (outcome.kind === 'accepted') return outcome.answer;
        // Refused: it is about a webhook that is not there any more.
        if (outcome.kind === 'fenced' || outcome.kind === 'rejected') throw new Superseded();
        throw new Error(`${name} was not taken: ${outcome.kind}`);
      },
      metrics,
      pace,
      random: Math.random,
      now: clock,
      onError,
    };
  }
}
