import { setTimeout as delay } from 'node:timers/promises';
import { noteRedelivery, type DeadLetter, type Webhook } from '@app/domain';
import { webhookLettersStream } from '@app/kernel';
import { EventReader } from '@app/streaming';
import { backoffMs } from './backoff.js';
import { FAULT_FIRST_MS, FAULT_MAX_MS, REPLAY_TEXT } from './limits.js';
import { bodyOf } from './message.js';
import { Superseded, type Room } from './room.js';
import type { Sender, Sent } from './sender.js';

/** Delivers dead letters once more, beside what comes in order: one attempt for each time that somebody asks. */
export class Redeliveries {
  private due: readonly DeadLetter[] = [];
  private working: Promise<void> | undefined;

  constructor(
    private readonly webhook: Webhook,
    private readonly room: Room,
    private readonly sender: Pick<Sender, 'send'>,
    private readonly signal: AbortSignal,
    /** The receiver has taken one. */
    private readonly onTaken: (status: number) => Promise<void>,
  ) {}

  /** Takes up those that are due. */
  take(letters: readonly DeadLetter[]): void {
    this.due = letters.filter(({ isDue }) => isDue);
    if (this.due.length > 0 && !this.signal.aborted)
      this.working ??= this.work().finally(() => (this.working = undefined));
  }

  /** Resolves when nothing is under way. */
  settled(): Promise<void> {
    return this.working ?? Promise.resolve();
  }

  private async work(): Promise<void> {
    const done = new Set<string>();
    for (let faults = 0; !this.signal.aborted;) {
      const letter = this.due.find(({ deliveryId }) => !done.has(deliveryId));
      if (letter === undefined) return;
      try {
        await this.deliver(letter);
        done.add(letter.deliveryId);
        faults = 0;
      } catch (error) {
        if (this.signal.aborted || error instanceof Superseded) return;
        this.room.onError(error);
        const pause = backoffMs(++faults, 1, { firstMs: FAULT_FIRST_MS, maxMs: FAULT_MAX_MS });
        await delay(pause, undefined, { signal: this.signal }).catch(() => undefined);
      }
    }
  }

  private async deliver(letter: DeadLetter): Promise<void> {
    const { webhook, room } = this;
    const { deliveryId } = letter;
    const { status, error } = await this.send(letter);
    if (error === '') await this.onTaken(status);
    const outcome = { id: webhook.id, deliveryId, isDelivered: error === '', status, error };
    await room.execute(
      'NoteRedelivery',
      (view, context) => noteRedelivery(view, context, outcome),
      [webhookLettersStream(webhook.id)],
      deliveryId,
    );
  }

  private async send({ index, position, deliveryId }: DeadLetter): Promise<Sent> {
    const { webhook, room } = this;
    const [commit] = await new EventReader(room.store, REPLAY_TEXT).after(index - 1);
    const event = commit?.index === index ? commit.events[position] : undefined;
    // The log keeps everything: only one that a later release tells otherwise could have lost it.
    if (commit === undefined || event === undefined)
      return { status: 0, error: 'the log has no such event', retryAfterMs: 0 };
    const body = bodyOf(webhook, { id: deliveryId, position, event }, commit);
    const began = performance.now();
    const sent = await this.sender.send(room.signer.message(webhook, deliveryId, body, room.epoch), this.signal);
    room.metrics.attempted(sent.error === '', (performance.now() - began) / 1000);
    return sent;
  }
}
