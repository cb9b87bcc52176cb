import type { TimeUs } from '@app/kernel';
import type { TaskInGroup } from '../allocation/lifecycle.js';
import type { Cancel, Timers } from '../timers.js';
import { assess, unhealthyText, type HealthParameters } from './health-rules.js';

/** What the watcher sees, and whom it tells. */
export interface HealthHost {
  readonly timers: Timers;
  readonly now: () => TimeUs;
  readonly tasks: () => readonly TaskInGroup[];
  /** The checks of the allocation that are not in order now, by the task they belong to; empty if all are (or there are none). */
  readonly failingServices: () => ReadonlyMap<string, readonly string[]>;
  /** Called once. `reasons` holds a text for each task that something is held against. */
  readonly decided: (healthy: boolean, reasons: ReadonlyMap<string, string>) => void;
}

/**
 * Finds out once whether an allocation is healthy: all its tasks, and all its checks if they count, must be well for min_healthy_time
 * without a break, before the healthy deadline. It is told of changes by {@link HealthWatcher.observe} and holds two or three timers.
 */
export class HealthWatcher {
  readonly #host: HealthHost;
  readonly #parameters: HealthParameters;
  readonly #deadlineUs: TimeUs;
  readonly #cancelDeadline: Cancel;
  #cancelTasks: Cancel | null = null;
  #cancelChecks: Cancel | null = null;
  #runningSince: string | null = null;
  #tasksHealthy = false;
  #checksHealthy = false;
  #over = false;

  constructor(host: HealthHost, parameters: HealthParameters) {
    this.#host = host;
    this.#parameters = parameters;
    this.#deadlineUs = host.now() + parameters.healthyDeadline / 1000;
    this.#cancelDeadline = host.timers.after(parameters.healthyDeadline / 1e6, () => this.#missDeadline());
  }

  /** Looks again: a task or a check has changed. */
  observe(): void {
    if (this.#over) return;
    const assessment = assess(this.#host.tasks());
    switch (assessment.kind) {
      case 'unhealthy':
        return this.#decide(false, false);
      case 'waiting':
        return this.#startOver(null);
      case 'running':
        if (assessment.since !== this.#runningSince) this.#startOver(assessment.since);
        return this.#observeChecks();
    }
  }

  stop(): void {
    this.#over = true;
    this.#cancelDeadline();
    this.#cancelTasks?.();
    this.#cancelChecks?.();
  }

  #startOver(runningSince: string | null): void {
    this.#cancelTasks?.();
    this.#cancelChecks?.();
    this.#cancelTasks = this.#cancelChecks = null;
    this.#tasksHealthy = this.#checksHealthy = false;
    this.#runningSince = runningSince;
    if (runningSince === null) return;
    this.#cancelTasks = this.#host.timers.after(this.#parameters.minHealthyTime / 1e6, () => {
      this.#tasksHealthy = true;
      this.#conclude();
    });
  }

  #observeChecks(): void {
    if (!this.#parameters.usesChecks || this.#host.failingServices().size > 0) {
      this.#cancelChecks?.();
      this.#cancelChecks = null;
      this.#checksHealthy = !this.#parameters.usesChecks;
      return;
    }
    this.#cancelChecks ??= this.#host.timers.after(this.#parameters.minHealthyTime / 1e6, () => {
      this.#checksHealthy = true;
      this.#conclude();
    });
  }

  #conclude(): void {
    if (this.#tasksHealthy && this.#checksHealthy) this.#decide(true, false);
  }

  #missDeadline(): void {
    this.#decide(false, true);
  }

  #decide(healthy: boolean, passed: boolean): void {
    if (this.#over) return;
    this.stop();
    const reasons = new Map<string, string>();
    if (!healthy && this.#parameters.inDeployment) {
      const failing = this.#parameters.usesChecks ? this.#host.failingServices() : new Map<string, string[]>();
      for (const { name, state } of this.#host.tasks()) {
        const services = failing.get(name) ?? [];
        const text = unhealthyText(state, this.#parameters, { atUs: this.#deadlineUs, passed }, services);
        if (text !== null) reasons.set(name, text);
      }
    }
    this.#host.decided(healthy, reasons);
  }
}
