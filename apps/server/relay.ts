import {
  kafkaSettings,
  KafkaSink,
  Relay,
  RELAY_LEASE,
  RelayLeader,
  topicName,
  type KafkaSettings,
  type RelayMetrics,
} from '@app/kafka-relay';
import {
  configured,
  counterOf,
  currentValue,
  histogramOf,
  type Configuration,
  type Logger,
  type Shutdown,
} from '@app/platform';
import type { Core } from './core.js';
import { tracePublication } from './traces.js';

const US_PER_S = 1_000_000;
const MS_PER_S = 1_000;

/** The Kafka to publish to; undefined: none, the log keeps everything. @throws ConfigurationError for a file of a setting that cannot be read. */
export const relaySettings = (configuration: Configuration): KafkaSettings | undefined =>
  configuration.roles.includes('relay') ? configured(() => kafkaSettings(configuration)) : undefined;

/** Tries for the lease of the relay and publishes the log to Kafka while it holds it. */
export function startRelay(core: Core, settings: KafkaSettings, log: Logger, shutdown: Shutdown): void {
  const { store, tail, instance, tracing } = core;
  const sink = new KafkaSink(settings, (message) => log.debug({ message }, 'kafkajs'));
  const metrics = instrument(core, () => leader);
  const leader = new RelayLeader({
    leases: store,
    holder: instance,
    newRelay: () =>
      new Relay({
        store,
        sink,
        onCommit: (wake) => tail.onCommit(wake),
        metrics,
        onTraced: tracing && tracePublication(tracing, topicName(settings.prefix, 'events')),
        onError: (err) => log.warn({ err }, 'the log cannot be published to Kafka; trying again'),
      }),
    onError: (err) => log.warn({ err }, 'the lease of the relay cannot be had; trying again'),
    onChange: (leads) => log.info({ leads }, leads ? 'publishing to Kafka' : 'no longer publishing to Kafka'),
  });
  // Neither the start nor readiness waits for Kafka.
  void leader.start();
  shutdown.on('leases', 'relay', () => leader.close());
  core.watchLease(RELAY_LEASE, () => leader.heldEpoch);
}

function instrument({ metrics, tail, clock }: Core, leader: () => RelayLeader): RelayMetrics {
  const events = counterOf(metrics, 'rollbook_relay_events_total');
  const records = counterOf(metrics, 'rollbook_relay_records_total');
  const errors = counterOf(metrics, 'rollbook_relay_errors_total');
  const transactions = histogramOf(metrics, 'rollbook_relay_transaction_seconds');
  // Only where the relay runs: elsewhere nothing is known of the lag.
  const whereItRuns = (
    name: Parameters<typeof currentValue>[1],
    value: (progress: NonNullable<RelayLeader['progress']>) => number | undefined,
  ) =>
    currentValue(metrics, name, () => {
      const { progress } = leader();
      return progress && value(progress);
    });
  const commitsBehind = (published: number | undefined): number | undefined =>
    published === undefined ? undefined : Math.max(0, tail.applied - published);
  whereItRuns('rollbook_relay_index', ({ published }) => published);
  whereItRuns('rollbook_relay_lag_commits', ({ published }) => commitsBehind(published));
  whereItRuns('rollbook_relay_lag_events', (progress) => {
    const commits = commitsBehind(progress.published);
    return commits && Math.round(commits * progress.eventsPerCommit);
  });
  whereItRuns('rollbook_relay_lag_seconds', ({ published, oldestPending }) => {
    if (oldestPending !== undefined) return Math.max(0, (clock.now() - oldestPending) / US_PER_S);
    return published === undefined ? undefined : 0;
  });
  whereItRuns('rollbook_relay_failing_seconds', ({ failingSinceMs }) =>
    failingSinceMs === undefined ? 0 : (performance.now() - failingSinceMs) / MS_PER_S,
  );
  return {
    published(eventCount, recordCount, transactionMs) {
      events.inc(eventCount);
      records.inc(recordCount);
      transactions.observe(transactionMs / MS_PER_S);
    },
    failed: () => errors.inc(),
  };
}
