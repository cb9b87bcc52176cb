import type { Logger } from '../logger/logger.js';

/**
 * Shutting down in order. Each phase begins when the one before has ended or has used up its time:
 *
 *   leases      hand leases over, so that another instance need not wait for them to expire; first, and soon
 *   intake      stop accepting: close listeners, answer waiting queries, refuse new commands
 *   drain       finish what was accepted: the batch in flight, answers being written
 *   checkpoint  store positions of projections and readers
 *   pools       close connections, stop the embedded Postgres
 *
 * Within a phase the task that was added last runs first, one after the other, as resources are opened in the opposite order.
 */
export const SHUTDOWN_PHASES = ['leases', 'intake', 'drain', 'checkpoint', 'pools'] as const;
export type ShutdownPhase = (typeof SHUTDOWN_PHASES)[number];

/** Most milliseconds of each phase. Postgres, which ends last, may need a while for its checkpoint. */
const BOUNDS_MS: Readonly<Record<ShutdownPhase, number>> = {
  leases: 1_000,
  intake: 5_000,
  drain: 10_000,
  checkpoint: 5_000,
  pools: 30_000,
};
/** A terminal and npm both pass on one Ctrl-C: signals this close together are one. */
const SAME_SIGNAL_MS = 1_000;
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type EndSignal = keyof typeof EXIT_CODES;

interface Task {
  readonly name: string;
  readonly run: () => Promise<void> | void;
}

export interface Shutdown {
  /** Adds a task to a phase. */
  readonly on: (phase: ShutdownPhase, name: string, run: Task['run']) => void;
  /** Runs all phases, once; later calls share the outcome: whether every task ended in time and without error. */
  readonly run: (reason: string) => Promise<boolean>;
  /** Whether `run` has begun. */
  readonly hasBegun: () => boolean;
  /** Shuts down and exits on SIGINT, SIGTERM, SIGHUP and when the launcher (scripts/) dies; a second signal exits at once. */
  readonly listen: () => void;
}

interface ShutdownOptions {
  readonly log: Pick<Logger, 'info' | 'error'>;
  readonly boundsMs?: Partial<Record<ShutdownPhase, number>>;
  readonly exit?: (code: number) => void;
  readonly now?: () => number;
}

/** Rejects when `work` takes longer than `ms`. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished after ${ms} ms`)), ms);
  });
  try {
    await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

export function createShutdown({
  log,
  boundsMs = {},
  exit = (code) => process.exit(code),
  now = Date.now,
}: ShutdownOptions): Shutdown {
  const tasks = new Map<ShutdownPhase, Task[]>(SHUTDOWN_PHASES.map((phase) => [phase, []]));
  let outcome: Promise<boolean> | undefined;
  let signalledAt: number | undefined;

  async function runPhase(phase: ShutdownPhase): Promise<boolean> {
    const deadline = now() + (boundsMs[phase] ?? BOUNDS_MS[phase]);
    let clean = true;
    for (const task of (tasks.get(phase) ?? []).toReversed()) {
      try {
        await within(Math.max(0, deadline - now()), Promise.resolve().then(task.run));
      } catch (err) {
        clean = false;
        log.error({ err, phase, task: task.name }, 'shutdown: a task failed');
      }
    }
    return clean;
  }

  async function runAll(reason: string): Promise<boolean> {
    log.info({ reason }, 'shutting down');
    let clean = true;
    for (const phase of SHUTDOWN_PHASES) clean = (await runPhase(phase)) && clean;
    return clean;
  }

  const shutdown: Shutdown = {
    on: (phase, name, run) => void tasks.get(phase)?.push({ name, run }),
    run: (reason) => (outcome ??= runAll(reason)),
    hasBegun: () => outcome !== undefined,
    listen: () => {
      const end = async (reason: string) => exit((await shutdown.run(reason)) ? 0 : 1);
      const onSignal = (signal: EndSignal) => {
        if (signalledAt === undefined) {
          signalledAt = now();
          void end(signal);
        } else if (now() - signalledAt >= SAME_SIGNAL_MS) {
          exit(EXIT_CODES[signal]);
        }
      };
      for (const signal of Object.keys(EXIT_CODES) as EndSignal[]) process.on(signal, onSignal);
      process.once('disconnect', () => void end('the launcher has gone'));
      // The launcher's channel alone must not keep a finished process alive.
      process.channel?.unref();
    },
  };
  return shutdown;
}
