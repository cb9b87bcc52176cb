import type { Webhook, WebhookLettersState, WebhooksState } from '@app/domain';
import { parseExact, streamType, webhookLettersStream, WEBHOOKS, type Index } from '@app/kernel';
import type { WebhookCursors } from '@app/read-models';
import type { EventFeed, LogTail } from '@app/streaming';
import { Deliverer } from './deliverer.js';
import { RECHECK_MS, REFRESH_RETRY_MS } from './limits.js';
import type { Room } from './room.js';

/** How the webhooks fare, as far as who delivers knows. */
export interface WebhooksTally {
  readonly delivering: number;
  readonly failing: number;
  readonly disabled: number;
  readonly deadLetters: number;
  /** For how long the one that fails longest has taken nothing; 0: none fails. */
  readonly failingSeconds: number;
  /** Of the one that is furthest behind. */
  readonly lagCommits: number;
}

export interface TermOptions extends Room {
  readonly tail: Pick<LogTail, 'applied' | 'onCommit'>;
  readonly feed: Pick<EventFeed, 'join' | 'after' | 'wait' | 'replay'>;
  readonly cursors: Pick<WebhookCursors, 'claim' | 'moved' | 'redelivered' | 'failed' | 'keepOnly'>;
}

/** Has a deliverer for each enabled webhook, as the log defines them, for as long as this instance holds the lease. */
export class Term {
  private readonly deliverers = new Map<string, Deliverer>();
  private webhooks: readonly Webhook[] = [];
  private deadLetters = 0;
  private leave: (() => void) | undefined;
  private stopListening: (() => void) | undefined;
  private refreshing: Promise<void> | undefined;
  private again = false;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly options: TermOptions) {}

  get tally(): WebhooksTally {
    const { tail } = this.options;
    const all = [...this.deliverers.values()];
    const failing = all.filter(({ failingSeconds }) => failingSeconds > 0);
    return {
      delivering: all.length - failing.length,
      failing: failing.length,
      disabled: this.webhooks.filter(({ enabled }) => !enabled).length,
      deadLetters: this.deadLetters,
      failingSeconds: Math.max(0, ...failing.map(({ failingSeconds }) => failingSeconds)),
      lagCommits: Math.max(0, ...all.map(({ index }) => (index === undefined ? 0 : tail.applied - index))),
    };
  }

  start(): void {
    this.stopListening = this.options.tail.onCommit(({ changes }) => {
      if (changes.some(({ stream }) => stream === WEBHOOKS || streamType(stream) === 'webhook-letters')) this.refresh();
    });
    this.refresh();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.stopListening?.();
    clearTimeout(this.timer);
    await this.refreshing;
    await Promise.all([...this.deliverers.values()].map((deliverer) => deliverer.stop()));
    this.leave?.();
  }

  private refresh(): void {
    clearTimeout(this.timer);
    if (this.refreshing !== undefined) {
      this.again = true;
      return;
    }
    if (this.stopped) return;
    this.again = false;
    this.refreshing = this.look()
      .then(
        () => RECHECK_MS,
        (error: unknown) => {
          this.options.onError(error);
          return REFRESH_RETRY_MS;
        },
      )
      .then((ms) => {
        this.refreshing = undefined;
        if (this.again) this.refresh();
        else if (!this.stopped) this.timer = setTimeout(() => this.refresh(), ms);
      });
  }

  private async look(): Promise<void> {
    const { store, cursors } = this.options;
    const stored = (await store.load([WEBHOOKS])).get(WEBHOOKS);
    const webhooks = stored === undefined ? [] : (parseExact(stored.state) as WebhooksState).webhooks;
    const letters = await this.lettersOf(webhooks);
    const ids = webhooks.map(({ id }) => id);
    if (this.webhooks.some(({ id }) => !ids.includes(id))) await cursors.keepOnly(ids);
    this.webhooks = webhooks;
    this.deadLetters = letters.reduce((sum, one) => sum + (one?.letters.length ?? 0), 0);
    await this.end(webhooks);
    if (this.stopped) return;
    for (const [i, webhook] of webhooks.entries()) {
      const deliverer = this.deliverers.get(webhook.id);
      if (deliverer !== undefined) deliverer.redeliver(letters[i]?.letters ?? []);
      else if (webhook.enabled) this.begin(webhook);
    }
    if (this.deliverers.size === 0) {
      this.leave?.();
      this.leave = undefined;
    }
  }

  private async lettersOf(webhooks: readonly Webhook[]): Promise<(WebhookLettersState | undefined)[]> {
    const streams = webhooks.map(({ id }) => webhookLettersStream(id));
    const stored = await this.options.store.load(streams);
    return streams.map((stream) => {
      const found = stored.get(stream);
      return found && (parseExact(found.state) as WebhookLettersState);
    });
  }

  /** Ends the deliverers of what is no longer so, or that have ended by themselves. */
  private async end(webhooks: readonly Webhook[]): Promise<void> {
    const revisions = new Map<string, Index>(
      webhooks.filter(({ enabled }) => enabled).map((one) => [one.id, one.modifyIndex]),
    );
    const ended = [...this.deliverers.values()].filter(
      ({ isOver, webhook }) => isOver || revisions.get(webhook.id) !== webhook.modifyIndex,
    );
    for (const { webhook } of ended) this.deliverers.delete(webhook.id);
    await Promise.all(ended.map((deliverer) => deliverer.stop()));
  }

  private begin(webhook: Webhook): void {
    this.leave ??= this.options.feed.join();
    const deliverer = new Deliverer(webhook, this.options);
    this.deliverers.set(webhook.id, deliverer);
    deliverer.start();
  }
}
