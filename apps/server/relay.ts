import {
  kafkaSettings,
  KafkaSink,
  Relay,
  RELAY_LEASE,
  RelayLeader,
  type KafkaSettings,
  type RelayMetrics,
} from '@app/kafka-relay';
import { configured, Counter, Histogram, type Configuration, type Logger, type Shutdown } from '@app/platform';
import type { Core } from './core.js';
import { gauge } from './instruments.js';

const US_PER_S = 1_000_000;
const MS_PER_S = 1_000;
const SECONDS_BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

/** The Kafka to publish to; undefined: none, the log keeps everything. @throws ConfigurationError for a file of a setting that cannot be read. */
export const relaySettings = (configuration: Configuration): KafkaSettings | undefined =>
  configuration.roles.includes('relay') ? configured(() => kafkaSettings(configuration)) : undefined;

/** Tries for the lease of the relay and publishes the log to Kafka while it holds it. */
export function startRelay(core: Core, settings: KafkaSettings, log: Logger, shutdown: Shutdown): void {
  const { store, tail, instance } = core;
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
  const registers = [metrics.registry];
  const events = new Counter({
    name: 'rollbook_relay_events_total',
    help: 'Events published to Kafka by this instance.',
    registers,
  });
  const records = new Counter({
    name: 'rollbook_relay_records_total',
    help: 'Records published to Kafka by this instance.',
    registers,
  });
  const errors = new Counter({
    name: 'rollbook_relay_errors_total',
    help: 'Attempts at publishing that failed and were made again.',
    registers,
  });
  const transactions = new Histogram({
    name: 'rollbook_relay_transaction_seconds',
    help: 'Duration of a transaction with Kafka.',
    buckets: SECONDS_BUCKETS,
    registers,
  });
  // Only where the relay runs: elsewhere nothing is known of the lag.
  const whereItRuns = (
    name: string,
    help: string,
    value: (progress: NonNullable<RelayLeader['progress']>) => number | undefined,
  ): void =>
    gauge(metrics, name, help, () => {
      const { progress } = leader();
      return progress && value(progress);
    });
  const commitsBehind = (published: number | undefined): number | undefined =>
    published === undefined ? undefined : Math.max(0, tail.applied - published);
  whereItRuns('rollbook_relay_index', 'Everything up to this index is in Kafka.', ({ published }) => published);
  whereItRuns('rollbook_relay_lag_commits', 'Commits that are not in Kafka yet.', ({ published }) =>
    commitsBehind(published),
  );
  whereItRuns(
    'rollbook_relay_lag_events',
    'Events that are not in Kafka yet: commits times the events that one has on average.',
    (progress) => {
      const commits = commitsBehind(progress.published);
      return commits && Math.round(commits * progress.eventsPerCommit);
    },
  );
  whereItRuns(
    'rollbook_relay_lag_seconds',
    'Age of the oldest commit that is not in Kafka yet.',
    ({ published, oldestPending }) => {
      if (oldestPending !== undefined) return Math.max(0, (clock.now() - oldestPending) / US_PER_S);
      return published === undefined ? undefined : 0;
    },
  );
  whereItRuns(
    'rollbook_relay_failing_seconds',
    'For how long every attempt at publishing has failed; 0: the last one succeeded.',
    ({ failingSinceMs }) => (failingSinceMs === undefined ? 0 : (performance.now() - failingSinceMs) / MS_PER_S),
  );
  return {
    published(eventCount, recordCount, transactionMs) {
      events.inc(eventCount);
      records.inc(recordCount);
      transactions.observe(transactionMs / 1000);
    },
    failed: () => errors.inc(),
  };
}
