import { appendFile } from 'node:fs/promises';
import type { JsonObject, TimeUs } from '@app/kernel';
import type { Timers } from '../timers.js';
import {
  StartError,
  type Driver,
  type DriverTask,
  type ExitResult,
  type Fingerprint,
  type Recovered,
  type TaskHandle,
} from './driver.js';
import type { ExecProcess } from './exec.js';
import { mockExec } from './mock-exec.js';
import { parseMockConfig, type MockConfig, type MockOutput } from './mock-config.js';

const NO_OUTPUT: MockOutput = { text: '', repeat: 0, everyMs: 0 };

/**
 * `mock_driver`: tasks that only pretend to run, with the knobs of Nomad's (spec/lifecycle §9.9). A task is one timer; it has no files
 * unless it is told to write something.
 */
export class MockDriver implements Driver {
  readonly name = 'mock_driver';
  readonly #timers: Timers;
  readonly #now: () => TimeUs;

  constructor(timers: Timers, now: () => TimeUs) {
    this.#timers = timers;
    this.#now = now;
  }

  fingerprint(): Promise<Fingerprint> {
    const attributes = { 'driver.mock_driver': 'true' };
    return Promise.resolve({ attributes, detected: true, healthy: true, description: 'Healthy' });
  }

  async start(task: DriverTask): Promise<TaskHandle> {
    const config = parseMockConfig(task.config);
    if (config.startBlockForMs > 0) await this.#timers.atMost(config.startBlockForMs);
    if (config.startError) throw new StartError(config.startError, config.startErrorRecoverable);
    if (config.stdout.text || config.stderr.text) await task.prepareDirectories();
    return new MockHandle(this.#timers, task, config, config.runForMs, this.#now());
  }

  /** Says what the task's configuration has it say, whatever the command. */
  exec(task: DriverTask): ExecProcess {
    return mockExec(parseMockConfig(task.config).exec, this.#timers);
  }

  recover(task: DriverTask, state: JsonObject): Promise<Recovered> {
    const startedUs = state['startedUs'];
    if (typeof startedUs !== 'number') return Promise.resolve({ lost: 'the state of the mock task is unreadable' });
    try {
      const config = { ...parseMockConfig(task.config), stdout: NO_OUTPUT, stderr: NO_OUTPUT };
      const elapsedMs = (this.#now() - startedUs) / 1000;
      return Promise.resolve({
        handle: new MockHandle(this.#timers, task, config, config.runForMs - elapsedMs, startedUs),
      });
    } catch (error) {
      return Promise.resolve({ lost: (error as Error).message });
    }
  }
}

class MockHandle implements TaskHandle {
  readonly state: JsonObject;
  readonly #config: MockConfig;
  readonly #exited: Promise<ExitResult>;
  readonly #end: () => void;

  constructor(timers: Timers, task: DriverTask, config: MockConfig, runForMs: number, startedUs: TimeUs) {
    const { promise, resolve } = Promise.withResolvers<ExitResult>();
    const { stdout, stderr } = task.directories.logs;
    const output = (of: MockOutput): MockOutput => (task.logs === null ? { ...of, text: '' } : of);
    const writers = [
      new Writer(timers, `${stdout}.0`, output(config.stdout)),
      new Writer(timers, `${stderr}.0`, output(config.stderr)),
    ];
    const lifeMs = Math.max(runForMs, ...writers.map((writer) => writer.durationMs));
    const cancel = timers.after(lifeMs, () => resolve(config.exit));
    this.state = { startedUs };
    this.#config = config;
    this.#exited = promise;
    this.#end = () => {
      cancel();
      for (const writer of writers) writer.stop();
      resolve(config.exit);
    };
  }

  wait(): Promise<ExitResult> {
    return this.#exited;
  }

  /** Ends at once, with the configured result. */
  kill(): Promise<void> {
    this.#end();
    return Promise.resolve();
  }

  signal(): Promise<void> {
    return this.#config.signalError ? Promise.reject(new Error(this.#config.signalError)) : Promise.resolve();
  }

  abandon(): void {
    // Nothing runs but timers, and the agent clears those.
  }
}

/** Writes the output of one stream: once, then again at intervals. */
class Writer {
  readonly durationMs: number;
  readonly #timers: Timers;
  readonly #path: string;
  readonly #output: MockOutput;
  #stopped = false;

  constructor(timers: Timers, path: string, output: MockOutput) {
    this.#timers = timers;
    this.#path = path;
    this.#output = output;
    this.durationMs = output.text ? output.repeat * output.everyMs : 0;
    if (output.text) this.#write(output.repeat);
  }

  stop(): void {
    this.#stopped = true;
  }

  #write(left: number): void {
    if (this.#stopped) return;
    // A log that cannot be written does not end the task.
    void appendFile(this.#path, this.#output.text).catch(() => undefined);
    if (left > 0) this.#timers.after(this.#output.everyMs, () => this.#write(left - 1));
  }
}
