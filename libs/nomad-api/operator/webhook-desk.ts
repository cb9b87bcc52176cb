import { renderWebhook, type Webhook, type WebhookLettersState } from '@app/domain';
import { isoFromUs, US_PER_MS, type Index } from '@app/kernel';
import type { WebhookProgress } from '@app/read-models';

/** What the server knows of deliveries, and how it tries one; made by the app. */
export interface WebhookDesk {
  readonly progress: () => Promise<ReadonlyMap<string, WebhookProgress>>;
  /** Sends a message that tells nothing. `status` 0: nothing was answered; `error` empty: it was taken. */
  readonly ping: (
    webhook: Webhook,
    epoch: string,
  ) => Promise<{ readonly deliveryId: string; readonly status: number; readonly error: string; readonly ms: number }>;
}

const iso = (ms: number | null): string | null => (ms === null ? null : isoFromUs(Math.round(ms * US_PER_MS)));

/** A webhook, and how its deliveries fare. `State`: `delivering`, `failing` or `disabled`; `Lag`: commits that it is behind. */
export function renderProgress(
  webhook: Webhook,
  letters: WebhookLettersState | undefined,
  known: WebhookProgress | undefined,
  head: Index,
): object {
  const progress = known?.created === webhook.createIndex ? known : undefined;
  const index = progress?.index ?? webhook.createIndex;
  const failingSince = progress?.failingSince ?? null;
  return {
    ...renderWebhook(webhook),
    State: webhook.enabled ? (failingSince === null ? 'delivering' : 'failing') : 'disabled',
    Index: index,
    Lag: Math.max(0, head - index),
    Delivered: progress?.delivered ?? 0,
    Attempts: progress?.attempts ?? 0,
    FailingSince: iso(failingSince),
    NextAttempt: webhook.enabled ? iso(progress?.nextAttempt ?? null) : null,
    LastAttempt: iso(progress?.lastAttempt ?? null),
    LastStatus: progress?.lastStatus ?? 0,
    LastError: progress?.lastError ?? '',
    LastDelivered: iso(progress?.lastDelivered ?? null),
    DeadLetters: letters?.letters.length ?? 0,
    Redelivered: letters?.redelivered ?? 0,
    Discarded: letters?.discarded ?? 0,
  };
}
