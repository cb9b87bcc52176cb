import { PassThrough, Readable } from 'node:stream';
import type { Timers } from '../timers.js';
import type { ExecProcess } from './exec.js';
import type { MockExec } from './mock-config.js';

/** A command that only says what it is told to, and ends after its time. */
export function mockExec(config: MockExec, timers: Timers): ExecProcess {
  const ended = Promise.withResolvers<number>();
  const stdin = new PassThrough();
  stdin.resume();
  timers.after(config.runForMs, () => ended.resolve(config.exitCode));
  return {
    stdin,
    stdout: Readable.from(config.stdout === '' ? [] : [Buffer.from(config.stdout)]),
    stderr: Readable.from(config.stderr === '' ? [] : [Buffer.from(config.stderr)]),
    exited: ended.promise,
    resize: () => Promise.resolve(),
    kill: () => ended.resolve(128 + 9),
    endsByItself: true,
  };
}
