import type { JsonObject } from '@app/kernel';
import { ownProperty } from '@app/kernel';
import type { ExecProcess } from '../drivers/exec.js';
import type { Timers } from '../timers.js';

/** What runs in a task when its template was rendered anew. */
export interface ChangeScript {
  readonly command: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  /** A script that fails, fails its task. */
  readonly failOnError: boolean;
}

const DEFAULT_TIMEOUT_NS = 5e9;

/** The block as its job has it; null: there is none. */
export function changeScript(block: unknown): ChangeScript | null {
  if (typeof block !== 'object' || block === null || Array.isArray(block)) return null;
  const member = (name: string): unknown => ownProperty(block as JsonObject, name);
  const [command, args, timeout] = [member('Command'), member('Args'), member('Timeout')];
  return {
    command: typeof command === 'string' ? command : '',
    args: Array.isArray(args) ? args.map(String) : [],
    timeoutMs: (typeof timeout === 'number' ? timeout : DEFAULT_TIMEOUT_NS) / 1e6,
    failOnError: member('FailOnError') === true,
  };
}

/** @returns why it failed; empty if it did not. Rejects if it cannot be started. */
export async function runChangeScript(
  exec: (command: readonly string[]) => ExecProcess,
  { command, args, timeoutMs }: ChangeScript,
  timers: Timers,
): Promise<string> {
  const running = exec([command, ...args]);
  running.stdin.end();
  running.stdout.resume();
  running.stderr?.resume();
  let code: number | null = null;
  const ended = running.exited.then((exit) => {
    code = exit;
  });
  await timers.atMost(timeoutMs, ended);
  if (code !== null) return code === 0 ? '' : `Exit code: ${String(code)}`;
  running.kill();
  ended.catch(() => undefined);
  return `it has not ended within ${timeoutMs} ms`;
}
