import { setTimeout as delay } from 'node:timers/promises';
import {
  disableWebhook,
  giveUpDelivery,
  noteReached,
  type DeadLetter,
  type FailedDelivery,
  type Webhook,
  type WebhookLettersState,
} from '@app/domain';
import { parseExact, webhookLettersStream, WEBHOOKS, type Index } from '@app/kernel';
import type { WebhookClaim, WebhookPosition } from '@app/read-models';
import type { EventCommit, EventFilter } from '@app/streaming';
import { backoffMs } from './backoff.js';
import {
  DISABLE_AFTER_MS,
  FAULT_FIRST_MS,
  FAULT_MAX_MS,
  IDLE_COMMITS,
  IDLE_MS,
  REACHED_COMMITS,
  REACHED_EVERY_MS,
  REPLAY_TEXT,
} from './limits.js';
import { bodyOf, deliveriesOf, filterOf, type Delivery } from './message.js';
import { Redeliveries } from './redeliveries.js';
import { Superseded, type Room } from './room.js';
import type { Message, Sender, Sent } from './sender.js';

const GONE = 410;

/** Where the deliverer of one webhook is, and what it knows of its receiver. */
interface Standing extends WebhookPosition {
  readonly attempts: number;
  /** By the monotonic clock, in milliseconds; undefined: the last attempt was taken. */
  readonly failingSince: number | undefined;
  readonly notBefore: number;
  readonly lastStatus: number;
  readonly lastError: string;
}

/**
 * Follows the log for one webhook, and tells its receiver of each event that it wants, in order.
 *
 *   claim the cursor ──► next event ──► attempt ──taken──► cursor moves ──► next event
 *                           ▲              │ ▲
 *                           │           failed │ backoff
 *                           │              ▼ │
 *                           └──dead letter── too often
 *
 * The cursor moves after the delivery, and after the dead letter is in the log: whoever goes on from it tells again what may have been told, and leaves
 * out nothing. A receiver knows an event that it is told again by its id.
 */
export class Deliverer {
  private readonly stopping = new AbortController();
  private readonly sender: Pick<Sender, 'send' | 'close'>;
  private readonly filter: EventFilter;
  private readonly redeliveries: Redeliveries;
  private running: Promise<void> | undefined;
  private over = false;
  private at: Standing | undefined;
  /** Commits that are behind it, and not yet in the cursor. */
  private unsaved = 0;
  private savedAt = performance.now();
  private reached: { readonly index: Index; readonly at: number; readonly delivered: boolean };

  constructor(
    readonly webhook: Webhook,
    private readonly room: Room,
  ) {
    this.sender = room.newSender();
    this.filter = filterOf(webhook);
    this.redeliveries = new Redeliveries(webhook, room, this.sender, this.stopping.signal, async (status) => {
      if (this.at !== undefined) this.at = { ...this.at, failingSince: undefined };
      await room.cursors.redelivered(this.claimant, status);
    });
    this.reached = { index: webhook.createIndex, at: performance.now(), delivered: false };
  }

  /** Everything up to here is dealt with; undefined: not known yet. */
  get index(): Index | undefined {
    return this.at?.index;
  }

  /** For how long nothing was taken; 0: the last attempt was. */
  get failingSeconds(): number {
    const since = this.at?.failingSince;
    return since === undefined ? 0 : (performance.now() - since) / 1000;
  }

  /** It has ended by itself: another one has the webhook, or it is disabled. */
  get isOver(): boolean {
    return this.over;
  }

  start(): void {
    this.running ??= this.run().finally(() => (this.over = true));
  }

  /** Has the dead letters that are due delivered once more. */
  redeliver(letters: readonly DeadLetter[]): void {
    this.redeliveries.take(letters);
  }

  /** What is under way is cut off: whoever goes on tells it again. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.redeliveries.settled();
    this.sender.close();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (let faults = 0; !signal.aborted;) {
      const before = this.at;
      try {
        await this.follow();
      } catch (error) {
        if (signal.aborted || error instanceof Superseded) return;
        this.room.onError(error);
        faults = this.at === before ? faults + 1 : 1;
        const pause = backoffMs(faults, 1, { firstMs: FAULT_FIRST_MS, maxMs: FAULT_MAX_MS });
        await delay(pause, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Until it is stopped. @throws when the store does not answer, or the secret cannot be opened: what is known stays known */
  private async follow(): Promise<void> {
    const { room, stopping } = this;
    this.at ??= await this.claim();
    let past: ReturnType<Room['feed']['replay']> | undefined;
    while (!stopping.signal.aborted) {
      const { index } = this.at;
      const recent = room.feed.after(index);
      past = recent === undefined ? (past ?? room.feed.replay(REPLAY_TEXT)) : undefined;
      const commits = recent ?? (await past!.after(index));
      if (commits.length === 0) await this.news();
      for (const commit of commits) {
        await this.tell(commit);
        if (stopping.signal.aborted) return;
      }
      if (this.unsaved >= IDLE_COMMITS || (this.unsaved > 0 && performance.now() - this.savedAt >= IDLE_MS))
        await this.save();
      await this.noteReached();
    }
  }

  private async claim(): Promise<Standing> {
    const { webhook, room } = this;
    const letters = webhookLettersStream(webhook.id);
    const [head, stored] = await Promise.all([room.store.readHead(), room.store.load([letters])]);
    const found = stored.get(letters);
    const known = found && (parseExact(found.state) as WebhookLettersState);
    const start = Math.max(webhook.createIndex, known?.reached ?? 0);
    const claim = await room.cursors.claim(this.claimant, start, head.index);
    if (claim === undefined) throw new Superseded();
    this.reached = { index: start, at: performance.now(), delivered: false };
    this.redeliver(known?.letters ?? []);
    return standingOf(claim);
  }

  private get claimant() {
    const { id, createIndex, modifyIndex } = this.webhook;
    return { webhook: id, created: createIndex, revision: modifyIndex, term: this.room.term };
  }

  /** Tells what is wanted of a commit, and leaves it behind. */
  private async tell(commit: EventCommit): Promise<void> {
    const from = this.at!.position;
    for (const delivery of deliveriesOf(this.webhook, this.filter, commit, from, this.room.epoch)) {
      await this.deliver(commit, delivery);
      if (this.stopping.signal.aborted) return;
    }
    this.at = { ...this.at!, index: commit.index, position: 0 };
    this.unsaved++;
  }

  /** Until it was taken, or is a dead letter. */
  private async deliver(commit: EventCommit, delivery: Delivery): Promise<void> {
    const { webhook, room, stopping } = this;
    const body = bodyOf(webhook, delivery, commit);
    const next = { index: commit.index - 1, position: delivery.position + 1 };
    while (this.at!.attempts < webhook.maxAttempts) {
      await this.pause(this.at!.notBefore - performance.now());
      const message = await this.signed(delivery, body);
      const began = performance.now();
      const sent = await this.sender.send(message, stopping.signal);
      room.metrics.attempted(sent.error === '', (performance.now() - began) / 1000);
      if (sent.error === '') {
        this.at = { ...standingAt(next), lastStatus: sent.status };
        this.reached = { ...this.reached, delivered: true };
        return this.save({ status: sent.status });
      }
      await this.failed(sent);
    }
    const { attempts, lastStatus: status, lastError: error } = this.at!;
    const { topic, type, key, namespace } = delivery.event;
    const about = { topic, type, key, namespace, attempts, status, error };
    await this.giveUp({ deliveryId: delivery.id, index: commit.index, position: delivery.position, ...about });
    this.at = { ...this.at!, ...next, attempts: 0, notBefore: 0 };
    await this.save();
  }

  private async signed({ id }: Delivery, body: string): Promise<Message> {
    const { room, webhook } = this;
    try {
      return room.signer.message(webhook, id, body, room.epoch);
    } catch (fault) {
      // No fault of the receiver's: it counts as no attempt, but is told.
      const { attempts, failingSince = performance.now() } = this.at!;
      this.at = { ...this.at!, failingSince };
      const error = (fault as Error).message;
      await room.cursors.failed(this.claimant, { attempts, status: 0, error, waitMs: FAULT_MAX_MS });
      throw fault;
    }
  }

  private async failed({ status, error, retryAfterMs }: Sent): Promise<void> {
    const { room, webhook } = this;
    const before = this.at!;
    const attempts = before.attempts + 1;
    const isLast = attempts >= webhook.maxAttempts;
    const waitMs = isLast ? 0 : Math.max(backoffMs(attempts, room.random(), room.pace), retryAfterMs);
    const now = performance.now();
    const failingSince = before.failingSince ?? now;
    this.at = { ...before, attempts, failingSince, notBefore: now + waitMs, lastStatus: status, lastError: error };
    if (!(await room.cursors.failed(this.claimant, { attempts, status, error, waitMs }))) throw new Superseded();
    if (status === GONE) await this.disable('answered 410: the receiver wants nothing more');
    if (now - failingSince >= DISABLE_AFTER_MS)
      await this.disable(`nothing was taken for ${Math.round(DISABLE_AFTER_MS / 3_600_000)} h; at last: ${error}`);
  }

  private async disable(trouble: string): Promise<never> {
    const { id, modifyIndex: revision } = this.webhook;
    await this.room.execute(
      'DisableWebhook',
      (view, context) => disableWebhook(view, context, { id, trouble, revision }),
      [WEBHOOKS],
      id,
    );
    throw new Superseded();
  }

  private async giveUp(failed: FailedDelivery): Promise<void> {
    const { id, modifyIndex: revision } = this.webhook;
    const { isKept } = await this.room.execute(
      'GiveUpDelivery',
      (view, context) => giveUpDelivery(view, context, { id, revision, failed }),
      [WEBHOOKS, webhookLettersStream(id)],
      failed.deliveryId,
    );
    if (!isKept) throw new Superseded();
    this.room.metrics.givenUp();
  }

  private async save(delivery?: { readonly status: number }): Promise<void> {
    this.unsaved++;
    if (!(await this.room.cursors.moved(this.claimant, this.at!, delivery))) throw new Superseded();
    this.unsaved = 0;
    this.savedAt = performance.now();
  }

  private async noteReached(): Promise<void> {
    const { index } = this.at!;
    const { delivered, at, index: noted } = this.reached;
    const isLong = delivered && performance.now() - at >= REACHED_EVERY_MS;
    if (!isLong && index - noted < REACHED_COMMITS) return;
    const { id, createIndex } = this.webhook;
    await this.room.execute(
      'NoteReached',
      (view, context) => noteReached(view, context, { id, createIndex, index }),
      [WEBHOOKS, webhookLettersStream(id)],
      id,
    );
    this.reached = { index, at: performance.now(), delivered: false };
  }

  /** Resolves when there may be more commits, when the cursor is to be written down, or when it is stopped. */
  private news(): Promise<void> {
    const { signal } = this.stopping;
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        cancel();
        signal.removeEventListener('abort', settle);
        resolve();
      };
      const timer = this.unsaved > 0 ? setTimeout(settle, IDLE_MS) : undefined;
      const cancel = this.room.feed.wait(settle);
      signal.addEventListener('abort', settle);
    });
  }

  private async pause(ms: number): Promise<void> {
    if (ms > 0) await delay(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    this.stopping.signal.throwIfAborted();
  }
}

const standingAt = ({ index, position }: WebhookPosition): Standing => ({
  index,
  position,
  attempts: 0,
  failingSince: undefined,
  notBefore: 0,
  lastStatus: 0,
  lastError: '',
});

function standingOf(claim: WebhookClaim): Standing {
  const { attempts, failingMs, waitMs, lastStatus, lastError } = claim;
  const now = performance.now();
  const failingSince = failingMs === null ? undefined : now - failingMs;
  return { ...standingAt(claim), attempts, failingSince, notBefore: now + waitMs, lastStatus, lastError };
}
