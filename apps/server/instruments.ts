import type { CommandMetrics } from '@app/event-store';
import { Counter, Gauge, Histogram, type Metrics } from '@app/platform';
import type { AnswerCache, KeptLists, LogTail } from '@app/streaming';

const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const SECONDS_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];

/** Shows a number as it is at the moment; while it is undefined the metric has no sample, since 0 would say something else. */
export function gauge({ registry }: Metrics, name: string, help: string, value: () => number | undefined): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      const now = value();
      if (now === undefined) this.remove();
      else this.set(now);
    },
  });
}

/** Shows a count that is kept elsewhere. */
function counter({ registry }: Metrics, name: string, help: string, count: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(count());
    },
  });
}

/** The server's own metrics. */
export function instrument(metrics: Metrics): {
  readonly commandMetrics: CommandMetrics;
  readonly watch: (tail: LogTail, cache: AnswerCache, lists: KeptLists) => void;
  /** Shows in which epoch this instance holds a lease; 0: it does not. */
  readonly watchLease: (lease: string, heldEpoch: () => number) => void;
} {
  const { registry } = metrics;
  const registers = [registry];
  const batch = new Histogram({
    name: 'rollbook_append_batch_commands',
    help: 'Commands in one append transaction.',
    buckets: BATCH_BUCKETS,
    registers,
  });
  const flush = new Histogram({
    name: 'rollbook_append_seconds',
    help: 'Duration of an append transaction.',
    buckets: SECONDS_BUCKETS,
    registers,
  });
  const conflicts = new Counter({
    name: 'rollbook_command_conflicts_total',
    help: 'Commands decided again because a stream had moved.',
    labelNames: ['command'],
    registers,
  });
  const refused = new Counter({
    name: 'rollbook_commands_overloaded_total',
    help: 'Commands refused because too many waited.',
    registers,
  });
  const queue = new Gauge({
    name: 'rollbook_command_queue_length',
    help: 'Commands waiting when the last batch was made.',
    registers,
  });
  const leases = new Map<string, () => number>();
  new Gauge({
    name: 'rollbook_lease_epoch',
    help: 'The epoch in which this instance holds a lease; 0: it does not.',
    labelNames: ['lease'],
    registers,
    collect() {
      for (const [lease, heldEpoch] of leases) this.set({ lease }, heldEpoch());
    },
  });
  return {
    commandMetrics: {
      batchFlushed(commands, ms) {
        batch.observe(commands);
        flush.observe(ms / 1000);
      },
      conflict: (command) => conflicts.inc({ command }),
      overloaded: () => refused.inc(),
      queueLength: (commands) => queue.set(commands),
    },
    watch(tail, cache, lists) {
      gauge(
        metrics,
        'rollbook_log_index',
        'Index of the last commit that this instance has applied.',
        () => tail.applied,
      );
      counter(metrics, 'rollbook_answer_cache_hits_total', 'Answers served from the cache.', () => cache.hits);
      counter(metrics, 'rollbook_answer_cache_misses_total', 'Answers made anew.', () => cache.misses);
      gauge(metrics, 'rollbook_kept_lists_bytes', 'About what kept lists take in memory.', () => lists.bytes);
      counter(metrics, 'rollbook_kept_list_reads_total', 'Lists read from the database.', () => lists.reads);
      counter(
        metrics,
        'rollbook_kept_list_refreshes_total',
        'Lists refreshed from what had changed.',
        () => lists.refreshes,
      );
      counter(
        metrics,
        'rollbook_kept_list_refresh_seconds_total',
        'What the refreshes of lists took.',
        () => lists.refreshMs / 1000,
      );
    },
    watchLease: (lease, heldEpoch) => void leases.set(lease, heldEpoch),
  };
}
