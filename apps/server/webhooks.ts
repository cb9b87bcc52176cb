import type { WebhookDesk } from '@app/nomad-api';
import { counterOf, currentValue, gaugeOf, histogramOf, type Logger, type Shutdown } from '@app/platform';
import { Pings, WEBHOOK_LEASE, WebhookLeader } from '@app/webhooks';
import type { Core } from './core.js';

/** What the edge tells of webhooks, and how it tries one. */
export function webhookDesk({ webhookCursors, webhookAddresses, keyring, clock }: Core): WebhookDesk {
  const pings = new Pings(keyring, webhookAddresses, clock.now);
  return { progress: () => webhookCursors.progress(), ping: (webhook, epoch) => pings.ping(webhook, epoch) };
}

/** Tries for the lease of the webhooks, and delivers while it holds it: a part of the scheduler role. */
export function startWebhooks(core: Core, log: Logger, shutdown: Shutdown): void {
  const { store, handler, tail, webhookCursors: cursors, webhookAddresses: isAllowed, keyring, clock } = core;
  const { metrics } = core;
  const attempts = counterOf(metrics, 'rollbook_webhook_attempts_total');
  const seconds = histogramOf(metrics, 'rollbook_webhook_attempt_seconds');
  const givenUp = counterOf(metrics, 'rollbook_webhook_dead_letters_total');
  const leader = new WebhookLeader({
    store,
    handler,
    tail,
    cursors,
    keyring,
    isAllowed,
    holder: core.instance,
    clock: clock.now,
    metrics: {
      attempted(isTaken, elapsed) {
        attempts.inc({ outcome: isTaken ? 'taken' : 'failed' });
        seconds.observe(elapsed);
      },
      givenUp: () => givenUp.inc(),
    },
    onError: (err) => log.warn({ err }, 'a webhook is not served; trying again'),
    onChange: (leads) => log.info({ leads }, leads ? 'delivering to webhooks' : 'no longer delivering to webhooks'),
  });
  // Only where they are delivered: elsewhere nothing is known of them.
  gaugeOf(metrics, 'rollbook_webhooks', (gauge) => {
    gauge.reset();
    const { tally } = leader;
    if (tally === undefined) return;
    for (const state of ['delivering', 'failing', 'disabled'] as const) gauge.set({ state }, tally[state]);
  });
  currentValue(metrics, 'rollbook_webhook_failing_seconds', () => leader.tally?.failingSeconds);
  currentValue(metrics, 'rollbook_webhook_lag_commits', () => leader.tally?.lagCommits);
  currentValue(metrics, 'rollbook_webhook_dead_letters', () => leader.tally?.deadLetters);
  void leader.start();
  shutdown.on('leases', 'webhooks', () => leader.close());
  core.watchLease(WEBHOOK_LEASE, () => leader.heldEpoch);
}
