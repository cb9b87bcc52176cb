import type { RestartPolicy, Task, TaskState } from '@app/domain';
import { usFromNs, type JsonObject, type TimeUs } from '@app/kernel';
import { ArtifactError } from '../artifact/artifact-error.js';
import type { ExecProcess, ExecRequest } from '../drivers/exec.js';
import {
  isSuccessful,
  StartError,
  type Driver,
  type DriverTask,
  type ExitResult,
  type Recovered,
  type TaskHandle,
} from '../drivers/driver.js';
import { ConfigError } from '../drivers/driver-config.js';
import {
  KILL_RETRIES,
  KILL_RETRY_FACTOR,
  KILL_RETRY_FIRST_MS,
  KILL_RETRY_MAX_MS,
  MAX_KILL_TIMEOUT_MS,
} from '../limits.js';
import { textOf } from '../log.js';
import type { Timers } from '../timers.js';
import { decideRestart, type RestartWindow, type TaskEnd } from './restart-policy.js';
import * as events from './task-event.js';
import { NEW_TASK, withDead, withEvent, withPending, withRunning } from './task-state.js';

/** What the journal keeps of a task. */
export interface SavedTask {
  readonly state: TaskState;
  readonly window: RestartWindow;
  /** The driver's, while the task runs. */
  readonly handle: JsonObject | null;
  /** When a task that waits for its restart is due; 0 if it does not. */
  readonly restartAtUs: TimeUs;
  /** When its identities are due for renewal; 0: never; missing in a journal of an earlier release. */
  readonly renewAtUs?: TimeUs;
}

/** What a task runner needs of its surroundings. */
export interface TaskHost {
  readonly timers: Timers;
  readonly now: () => TimeUs;
  readonly random: () => number;
  readonly driver: (name: string) => Driver | undefined;
  /** The task as its driver wants it. @throws Error if the task asks for something that the agent cannot give. */
  readonly driverTask: (task: Task) => DriverTask;
  /** Gets what the task needs before it can start. @throws StartError or Error if that cannot be had. */
  readonly prepare: (task: Task) => Promise<void>;
  /** A run that an earlier run of the agent began was taken up again. */
  readonly recovered: (task: Task, saved: SavedTask) => void;
  /** The state or the handle of the task has changed. */
  readonly changed: () => void;
}

const DEFAULT_KILL_SIGNAL = 'SIGINT';
const gone = (error: string): ExitResult => ({ exitCode: -1, signal: 0, oomKilled: false, error });

/** How one run of a task ended. */
type RunEnd =
  | { readonly kind: 'exited'; readonly exit: ExitResult; readonly killError: string }
  | { readonly kind: 'not-started'; readonly recoverable: boolean };

/**
 * Runs one task of an allocation from its first start to its end.
 *
 * One loop, `#live`, does everything that has an order: wait for the gate, start, wait for the exit, restart or end. What comes from outside
 * (open the gate, kill, restart) only leaves a wish behind and wakes the loop, so that no two of them can act on the task at once.
 */
export class TaskRunner {
  readonly name: string;
  /** Settles when the task is dead. */
  readonly done: Promise<void>;
  readonly #host: TaskHost;
  #restartsOnSuccess: boolean;
  #spec: Task;
  #policy: RestartPolicy;
  #state: TaskState = NEW_TASK;
  #window: RestartWindow;
  #handle: TaskHandle | null = null;
  #restartAtUs: TimeUs = 0;
  #detached = false;

  readonly #gate = Promise.withResolvers<void>();
  readonly #finished = Promise.withResolvers<void>();
  readonly #delaySkipped = Promise.withResolvers<void>();
  #skipsDelay = false;
  /** Resolved by every wish, and then replaced. */
  #wake = Promise.withResolvers<void>();
  #killWanted = false;
  #restartWanted: 'by-operator' | 'by-failed-check' | null = null;

  constructor(host: TaskHost, spec: Task, policy: RestartPolicy, restartsOnSuccess: boolean) {
    this.name = spec.Name;
    this.done = this.#finished.promise;
    this.#host = host;
    this.#spec = spec;
    this.#policy = policy;
    this.#restartsOnSuccess = restartsOnSuccess;
    this.#window = { count: 0, startUs: host.now() };
  }

  get state(): TaskState {
    return this.#state;
  }
  /** The first process of the running task. */
  get pid(): number | undefined {
    return this.#handle?.pid;
  }

  /** Runs a command beside the running task. @throws Error if its driver cannot */
  exec(request: ExecRequest): ExecProcess {
    const driver = this.#host.driver(this.#spec.Driver);
    if (driver === undefined || this.#handle === null) throw new Error('Task not running');
    return driver.exec(this.#host.driverTask(this.#spec), request);
  }

  get isDead(): boolean {
    return this.#state.State === 'dead';
  }

  /** Begins: anew, or where an earlier run of the agent was. */
  begin(saved: SavedTask | null): void {
    if (saved === null) {
      this.record(events.received());
    } else {
      this.#state = saved.state;
      this.#window = saved.window;
      this.#restartAtUs = saved.restartAtUs;
    }
    if (this.isDead) this.#finished.resolve();
    else void this.#live(saved).catch((error: unknown) => this.#breakDown(textOf(error)));
  }

  save(): SavedTask {
    return {
      state: this.#state,
      window: this.#window,
      handle: this.#handle?.state ?? null,
      restartAtUs: this.#restartAtUs,
    };
  }

  /** The specification was changed in place. */
  update(spec: Task, policy: RestartPolicy, restartsOnSuccess: boolean): void {
    this.#spec = spec;
    this.#policy = policy;
    this.#restartsOnSuccess = restartsOnSuccess;
  }

  /** Adds an event to the task's state. */
  record(event: events.NewTaskEvent): void {
    this.#become(withEvent(this.#state, event, this.#host.now()));
  }

  /** Lets the task start for the first time. */
  open(): void {
    this.#gate.resolve();
  }

  /** Asks the task to end, for good. Settles when it has. */
  kill(skipDelay: boolean): Promise<void> {
    if (skipDelay) this.skipShutdownDelay();
    if (!this.#killWanted && !this.isDead && !this.#detached) {
      this.#killWanted = true;
      this.record(events.killing(this.#spec.KillTimeout));
      this.#wakeUp();
    }
    return this.done;
  }

  /** Ends the task for good, as one that has failed. */
  fail(reason: string): void {
    if (this.#killWanted || this.isDead || this.#detached) return;
    this.#killWanted = true;
    this.#become({ ...withEvent(this.#state, events.failing(reason), this.#host.now()), Failed: true });
    this.#wakeUp();
  }

  /** Does not wait for the shutdown_delay any longer, or not at all. */
  skipShutdownDelay(): void {
    this.#skipsDelay = true;
    this.#delaySkipped.resolve();
  }

  /**
   * Ends the running task so that it starts again: at once if an operator asks, by its restart policy if a check has failed.
   * @throws Error `Task not running`
   */
  restart(reason: string, by: 'by-operator' | 'by-failed-check'): void {
    if (this.#handle === null || this.#killWanted) throw new Error('Task not running');
    this.#restartWanted = by;
    this.record(events.restartSignaled(reason));
    this.#wakeUp();
  }

  /** @throws Error `Task not running`, or what the driver says. */
  async signal(signal: string, reason: string): Promise<void> {
    if (this.#handle === null) throw new Error('Task not running');
    this.record(events.signaling(signal, reason));
    await this.#handle.signal(signal);
  }

  /** Leaves the task as it is: nothing is done or reported any more. */
  detach(): void {
    this.#detached = true;
    this.#handle?.abandon();
  }

  async #live(saved: SavedTask | null): Promise<void> {
    let run = await this.#resume(saved);
    for (;;) {
      if (this.#detached) return;
      if (run === null) {
        if (this.#killWanted) return this.#die();
        run = await this.#start();
      }
      if (this.#detached) return;
      if (this.#killWanted) {
        if (run.kind === 'exited') this.record(events.killed(run.killError));
        return this.#die();
      }
      if (!(await this.#restartAfter(run))) return this.#die();
      run = null;
    }
  }

  /** Takes up what a saved task was doing. @returns how a recovered run ended, or null when a new one is to be started. */
  async #resume(saved: SavedTask | null): Promise<RunEnd | null> {
    if (saved !== null && (saved.handle !== null || this.#state.State === 'running')) {
      const recovered = await this.#recover(saved.handle);
      if ('handle' in recovered) {
        if (!this.#detached && !this.#killWanted) this.#host.recovered(this.#spec, saved);
        return this.#attend(recovered.handle);
      }
      this.record(events.failedRestoring(recovered.lost));
      const exit = gone(recovered.lost);
      this.record(events.terminated(exit));
      return { kind: 'exited', exit, killError: '' };
    }
    if (this.#restartAtUs > 0) await this.#waitForRestart();
    else await Promise.race([this.#gate.promise, this.#wake.promise]);
    return null;
  }

  async #recover(state: JsonObject | null): Promise<Recovered> {
    const driver = this.#host.driver(this.#spec.Driver);
    if (!driver) return { lost: `driver ${JSON.stringify(this.#spec.Driver)} not found` };
    if (state === null) return { lost: 'nothing is known of the running task' };
    return driver.recover(this.#host.driverTask(this.#spec), state);
  }

  async #start(): Promise<RunEnd> {
    if (!this.#state.Events.some((event) => event.Type === events.TASK_SETUP) && this.#state.Restarts === 0) {
      this.record(events.buildingTaskDirectory());
    }
    let handle: TaskHandle;
    try {
      const driver = this.#host.driver(this.#spec.Driver);
      if (!driver) throw new StartError(`driver ${JSON.stringify(this.#spec.Driver)} not found`);
      // Who waits in vain can be killed all the same.
      await Promise.race([this.#host.prepare(this.#spec), this.#wake.promise]);
      if (this.#killWanted || this.#detached) return { kind: 'not-started', recoverable: false };
      handle = await driver.start(this.#host.driverTask(this.#spec));
    } catch (error) {
      const isDriverError = error instanceof StartError;
      this.record(failureOf(error));
      return { kind: 'not-started', recoverable: isDriverError && error.recoverable };
    }
    if (this.#detached) handle.abandon();
    this.#handle = handle;
    const now = this.#host.now();
    this.#become(withRunning(withEvent(this.#state, events.started(), now), now));
    return this.#attend(handle);
  }

  /** Waits for the end of a running task, and brings it about if somebody wants it. */
  async #attend(handle: TaskHandle): Promise<RunEnd> {
    this.#handle = handle;
    const exited = handle.wait();
    let killError = '';
    let exit: ExitResult | null = null;
    if (!this.#killWanted) exit = await Promise.race([exited, this.#wake.promise.then(() => null)]);
    while (exit === null) {
      if (this.#killWanted) await this.#delayShutdown(exited);
      killError = await this.#end(handle, exited);
      if (killError) exit = gone(killError);
      else exit = await exited;
    }
    this.#handle = null;
    this.record(events.terminated(exit));
    return { kind: 'exited', exit, killError };
  }

  async #delayShutdown(exited: Promise<ExitResult>): Promise<void> {
    const delay = this.#spec.ShutdownDelay;
    if (delay <= 0) return;
    if (this.#skipsDelay) return this.record(events.skippingShutdownDelay(delay));
    this.#become(withPending(withEvent(this.#state, events.waitingForShutdownDelay(delay), this.#host.now())));
    await this.#host.timers.atMost(delay / 1e6, exited, this.#delaySkipped.promise);
  }

  /** Ends the task, trying again if that fails. @returns why it could not be ended, or an empty text. */
  async #end(handle: TaskHandle, exited: Promise<ExitResult>): Promise<string> {
    const signal = this.#spec.KillSignal || DEFAULT_KILL_SIGNAL;
    const timeoutMs = Math.min(this.#spec.KillTimeout / 1e6, MAX_KILL_TIMEOUT_MS);
    for (let attempt = 0; ; attempt++) {
      try {
        await handle.kill(signal, timeoutMs);
        return '';
      } catch (error) {
        if (attempt === KILL_RETRIES) return textOf(error);
        const delayMs = Math.min(KILL_RETRY_FIRST_MS * KILL_RETRY_FACTOR ** attempt, KILL_RETRY_MAX_MS);
        await this.#host.timers.atMost(delayMs, exited);
      }
    }
  }

  /** Asks the restart policy. @returns whether the task is to be started again, after the delay has passed. */
  async #restartAfter(run: RunEnd): Promise<boolean> {
    const wanted = this.#restartWanted;
    this.#restartWanted = null;
    this.#wake = Promise.withResolvers();
    const { verdict, window } = decideRestart({
      policy: this.#policy,
      window: this.#window,
      end: endOf(run, wanted),
      restartsOnSuccess: this.#restartsOnSuccess,
      now: this.#host.now(),
      jitter: this.#host.random(),
    });
    this.#window = window;
    switch (verdict.kind) {
      case 'finish':
        return false;
      case 'fail':
        this.record(events.notRestarting(verdict.reason));
        return false;
      case 'restart':
        this.#restartAtUs = this.#host.now() + usFromNs(verdict.delay);
        this.record(events.restarting(verdict.reason, verdict.delay));
        await this.#waitForRestart();
        return true;
    }
  }

  async #waitForRestart(): Promise<void> {
    const delayMs = (this.#restartAtUs - this.#host.now()) / 1000;
    if (delayMs > 0) await this.#host.timers.atMost(delayMs, this.#wake.promise);
    this.#restartAtUs = 0;
  }

  #die(): void {
    this.#become(withDead(this.#state, this.#host.now()));
    this.#finished.resolve();
  }

  /** Something that must not happen did: the task fails visibly rather than hang. */
  #breakDown(error: string): void {
    this.record(events.setupFailure(error));
    this.record(events.notRestarting('Error was unrecoverable'));
    this.#die();
  }

  #wakeUp(): void {
    this.#wake.resolve();
  }

  #become(state: TaskState): void {
    if (this.#detached) return;
    this.#state = state;
    this.#host.changed();
  }
}

/** Why a task was not started, as an event: a bad configuration, an artifact, a driver that failed, or what the agent could not prepare. */
function failureOf(error: unknown): events.NewTaskEvent {
  if (error instanceof ConfigError) return events.failedValidation(error.message);
  if (error instanceof ArtifactError) return events.failedArtifactDownload(error.message);
  if (error instanceof StartError) return events.driverFailure(error.message);
  return events.setupFailure(textOf(error));
}

/** The end of a run as the restart policy sees it. */
function endOf(run: RunEnd, restartWanted: 'by-operator' | 'by-failed-check' | null): TaskEnd {
  if (restartWanted === 'by-operator') return { kind: 'restart-requested' };
  if (run.kind === 'not-started') return run;
  return { kind: 'exited', successful: restartWanted === null && isSuccessful(run.exit) };
}
