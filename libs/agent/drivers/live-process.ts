import { readFileSync } from 'node:fs';
import { startTimeOf, type ProcessIdentity } from './raw-exec-supervisor.js';

/** Whether this very process still runs: one that has ended is not mistaken for a later one with its number. */
export const isAlive = (identity: ProcessIdentity): boolean =>
  exists(identity.pid) && !isZombie(identity.pid) && startTimeOf(identity.pid) === identity.startTime;

/**
 * Sends a signal to a process, if it is still the one we mean, or to its whole group.
 * @throws Error if the system refuses; a process that has ended is no error.
 */
export function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals, target: 'process' | 'group'): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(target === 'group' ? -identity.pid : identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Has ended, but nobody has asked how: as good as gone. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.charAt(stat.lastIndexOf(')') + 2) === 'Z';
  } catch {
    return false;
  }
}
