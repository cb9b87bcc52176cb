import type { StreamName } from '@app/kernel';
import type { Append } from './port.js';

/**
 * Cuts a batch where a command depends on an earlier one: reads or writes a stream that it writes, or repeats its idempotency key. The commands
 * of one run can be judged all at once. The command handler's batches are always one run.
 */
export function independentRuns(commands: readonly Append[]): readonly (readonly Append[])[] {
  const runs: Append[][] = [];
  let run: Append[] = [];
  const written = new Set<StreamName>();
  const keys = new Set<string>();
  for (const command of commands) {
    const key = command.idempotency?.key;
    if ((key !== undefined && keys.has(key)) || command.expect.keys().some((stream) => written.has(stream))) {
      runs.push(run);
      run = [];
      written.clear();
      keys.clear();
    }
    run.push(command);
    for (const { stream } of command.snapshots) written.add(stream);
    if (key !== undefined) keys.add(key);
  }
  return run.length === 0 ? runs : [...runs, run];
}
