import { dueLaunch, launchPeriodicJob, type JobState } from '@app/domain';
import { streamType, US_PER_MS, type StreamName, type TimeUs } from '@app/kernel';
import type { Movement } from './cluster-state.js';
import type { Reactor, ReactorContext } from './reactor.js';

const RETRY_MS = 1000;
const MAX_SLEEP_MS = 60_000;

/**
 * Launches periodic jobs at their times. A job's next launch follows from its state, so a new leader knows them all; one that was missed while
 * nobody led is made up for at once, and once. Nomad's periodic dispatcher.
 */
export class PeriodicLauncher implements Reactor {
  private readonly due = new Map<StreamName, { readonly job: JobState; at: TimeUs }>();
  private readonly launches = new Map<StreamName, Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private running = false;

  constructor(private readonly context: ReactorContext) {}

  start(): void {
    this.running = true;
    for (const job of this.context.cluster.jobs()) this.note(`job/${job.namespace}/${job.id}`, job);
    this.arm();
  }

  react(movements: readonly Movement[]): void {
    if (!this.running) return;
    const jobs = movements.filter(({ stream }) => streamType(stream) === 'job');
    for (const { stream, after } of jobs) this.note(stream, after as JobState | undefined);
    if (jobs.length > 0) this.arm();
  }

  async stop(): Promise<void> {
    this.running = false;
    clearTimeout(this.timer);
    this.due.clear();
    await Promise.allSettled(this.launches.values());
  }

  private note(stream: StreamName, job: JobState | undefined): void {
    const at = job === undefined ? null : dueLaunch(job);
    if (job === undefined || at === null) this.due.delete(stream);
    else this.due.set(stream, { job, at });
  }

  /** Sleeps until the earliest launch, or a while, should the clock be set meanwhile. */
  private arm(): void {
    clearTimeout(this.timer);
    if (!this.running || this.due.size === 0) return;
    let earliest = Infinity;
    for (const [stream, { at }] of this.due) if (!this.launches.has(stream)) earliest = Math.min(earliest, at);
    const ms = Math.ceil((earliest - this.context.now()) / US_PER_MS);
    this.timer = setTimeout(() => this.launchDue(), Math.min(Math.max(ms, 0), MAX_SLEEP_MS));
  }

  private launchDue(): void {
    const now = this.context.now();
    for (const [stream, entry] of this.due) {
      if (entry.at > now || this.launches.has(stream)) continue;
      const launch = this.launch(stream, entry).finally(() => {
        this.launches.delete(stream);
        this.arm();
      });
      this.launches.set(stream, launch);
    }
    this.arm();
  }

  /** The job's movement tells its next launch. When the command fails, or finds a job that has moved unseen, the launch stays due for now. */
  private async launch(
    stream: StreamName,
    { job, at }: { readonly job: JobState; readonly at: TimeUs },
  ): Promise<void> {
    const command = { namespace: job.namespace, jobId: job.id };
    try {
      const outcome = await this.context.execute('LaunchPeriodicJob', (view, context) =>
        launchPeriodicJob(view, context, command),
      );
      if (outcome.kind === 'accepted' && outcome.index > 0) return await this.context.reached(outcome.index);
      if (outcome.kind !== 'accepted' && outcome.kind !== 'fenced')
        throw new Error(`the launch of job ${job.id} was not taken: ${outcome.kind}`);
    } catch (error) {
      this.context.onError(error);
    }
    const entry = this.due.get(stream);
    if (entry?.at === at) entry.at = this.context.now() + RETRY_MS * US_PER_MS;
  }
}
