import {
  TEMPLATE_REFUSALS,
  TEMPLATE_RETRY_FIRST_MS,
  TEMPLATE_RETRY_MAX_MS,
  TEMPLATE_WAIT_MS,
  TEMPLATE_MIN_TURN_MS,
} from '../limits.js';
import { RequestRefused, type ReadAnswer } from '../server-client.js';
import { backOff, type Timers } from '../timers.js';
import type { Dependency } from './dependencies.js';
import { TemplateError } from './template-error.js';
import type { Value } from './value.js';

export interface WatchHost {
  readonly timers: Timers;
  readonly random: () => number;
  /** Waits until the answer has a higher index, or the time is up. An object that is not there is null. */
  readonly read: (path: string, index: number, waitMs: number, signal: AbortSignal) => Promise<ReadAnswer>;
}

interface Watch {
  readonly stop: AbortController;
  value: Value;
  failure: Refused | null;
}

/** Servers do not tell a task what its template asks for. */
export class Refused extends TemplateError {}

/** Keeps what templates ask servers for, and says when it has changed. One read is under way for each. */
export class Watches {
  private readonly watches = new Map<string, Watch>();

  constructor(
    private readonly host: WatchHost,
    private readonly changed: () => void,
  ) {}

  /** What is known now; undefined: nothing yet. From now on it is watched. @throws TemplateError if servers refuse it */
  ask(dependency: Dependency): Value {
    const known = this.watches.get(dependency.name);
    if (known?.failure) throw known.failure;
    if (known !== undefined) return known.value;
    const watch: Watch = { stop: new AbortController(), value: undefined, failure: null };
    this.watches.set(dependency.name, watch);
    void this.follow(dependency, watch);
    return undefined;
  }

  /** Ends the watches that nothing asks for any more. */
  keep(names: ReadonlySet<string>): void {
    for (const [name, { stop }] of this.watches) {
      if (names.has(name)) continue;
      stop.abort();
      this.watches.delete(name);
    }
  }

  private async follow(dependency: Dependency, watch: Watch): Promise<void> {
    const { signal } = watch.stop;
    let index = 0;
    let seen = '';
    let failures = 0;
    let refusals = 0;
    while (!signal.aborted) {
      const began = performance.now();
      try {
        const answer = await this.host.read(dependency.path, index, TEMPLATE_WAIT_MS, signal);
        failures = refusals = 0;
        const isNew = index === 0 || answer.text !== seen;
        // An index that went back is of another history: what is there now counts.
        index = answer.index < index ? 0 : Math.max(answer.index, 1);
        seen = answer.text;
        if (isNew) {
          watch.value = dependency.read(answer.text === '' ? null : (JSON.parse(answer.text) as unknown));
          this.changed();
        }
        // A server that answers at once though nothing has happened must not be asked without pause.
        const early = TEMPLATE_MIN_TURN_MS - (performance.now() - began);
        if (!isNew && early > 0) await this.host.timers.atMost(early);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof RequestRefused && isFinal(error) && ++refusals >= TEMPLATE_REFUSALS) {
          watch.failure = new Refused(`${dependency.name}: ${error.message}`);
          this.changed();
          return;
        }
        await this.host.timers.atMost(
          backOff(failures++, TEMPLATE_RETRY_FIRST_MS, TEMPLATE_RETRY_MAX_MS, this.host.random),
        );
      }
    }
  }
}

/** Asked again and again all the same, since policies and identities take a moment to be known everywhere. */
const isFinal = ({ status }: RequestRefused): boolean => status >= 400 && status < 500 && status !== 429;
