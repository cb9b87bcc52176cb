import type { CommandMetrics } from '@app/event-store';
import { Counter, Gauge, Histogram, type Metrics } from '@app/platform';
import type { AnswerCache, LogTail } from '@app/streaming';

const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const SECONDS_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];

/** The server's own metrics. */
export function instrument({ registry }: Metrics): {
  readonly commandMetrics: CommandMetrics;
  readonly watch: (tail: LogTail, cache: AnswerCache) => void;
} {
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
    watch(tail, cache) {
      gauge('rollbook_log_index', 'Index of the last commit that this instance has applied.', () => tail.applied);
      gauge('rollbook_answer_cache_hits', 'Answers served from the cache since the start.', () => cache.hits);
      gauge('rollbook_answer_cache_misses', 'Answers made anew since the start.', () => cache.misses);
    },
  };

  function gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  }
}
