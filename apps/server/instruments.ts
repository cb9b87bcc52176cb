import type { CommandMetrics } from '@app/event-store';
import { counterOf, currentCount, currentValue, gaugeOf, histogramOf, type Metrics } from '@app/platform';
import type { AnswerCache, KeptLists, LogTail } from '@app/streaming';

const MS_PER_S = 1_000;

/** The server's own metrics. */
export function instrument(metrics: Metrics): {
  readonly commandMetrics: CommandMetrics;
  readonly watch: (tail: LogTail, cache: AnswerCache, lists: KeptLists) => void;
  /** Shows in which epoch this instance holds a lease; 0: it does not. */
  readonly watchLease: (lease: string, heldEpoch: () => number) => void;
} {
  const batch = histogramOf(metrics, 'rollbook_append_batch_commands');
  const flush = histogramOf(metrics, 'rollbook_append_seconds');
  const wait = histogramOf(metrics, 'rollbook_command_wait_seconds');
  const conflicts = counterOf(metrics, 'rollbook_command_conflicts_total');
  const refused = counterOf(metrics, 'rollbook_commands_overloaded_total');
  const queue = gaugeOf(metrics, 'rollbook_command_queue_length');
  const leases = new Map<string, () => number>();
  gaugeOf(metrics, 'rollbook_lease_epoch', (gauge) => {
    for (const [lease, heldEpoch] of leases) gauge.set({ lease }, heldEpoch());
  });
  return {
    commandMetrics: {
      batchFlushed(commands, ms) {
        batch.observe(commands);
        flush.observe(ms / MS_PER_S);
      },
      waited: (ms) => wait.observe(ms / MS_PER_S),
      conflict: (command) => conflicts.inc({ command }),
      overloaded: () => refused.inc(),
      queueLength: (commands) => queue.set(commands),
    },
    watch(tail, cache, lists) {
      currentValue(metrics, 'rollbook_log_index', () => tail.applied);
      currentValue(metrics, 'rollbook_log_contact_seconds', () => tail.lastContactMs / MS_PER_S);
      currentCount(metrics, 'rollbook_answer_cache_hits_total', () => cache.hits);
      currentCount(metrics, 'rollbook_answer_cache_misses_total', () => cache.misses);
      currentValue(metrics, 'rollbook_kept_lists_bytes', () => lists.bytes);
      currentCount(metrics, 'rollbook_kept_list_reads_total', () => lists.reads);
      currentCount(metrics, 'rollbook_kept_list_refreshes_total', () => lists.refreshes);
      currentCount(metrics, 'rollbook_kept_list_refresh_seconds_total', () => lists.refreshMs / MS_PER_S);
    },
    watchLease: (lease, heldEpoch) => void leases.set(lease, heldEpoch),
  };
}
