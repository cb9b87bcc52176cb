import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/** Waits until a condition holds. @returns whether it came to hold in time. */
export async function waitUntil(condition: () => boolean, boundMs: number): Promise<boolean> {
  const deadline = performance.now() + boundMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** The state and start of a process on Linux: the third and the 22nd field of its stat, the second being a name in brackets. */
function linuxStat(pid: number): { readonly state: string; readonly startTicks: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

const hasProc = existsSync('/proc/self/stat');

const ps = (pid: number, column: string): string => {
  try {
    return execFileSync('ps', ['-ww', '-o', `${column}=`, '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
};

/** Whether a process runs. One that has ended but was not reaped by its parent does not. */
export function isAlive(pid: number): boolean {
  if (hasProc) {
    const stat = linuxStat(pid);
    return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process began, in a form that only serves to tell two processes of one pid apart. Empty if it does not run. */
export const startOf = (pid: number): string => (hasProc ? (linuxStat(pid)?.startTicks ?? '') : ps(pid, 'lstart'));

/** The command line of a process; empty if it does not run or may not be seen. */
export function commandLineOf(pid: number): string {
  if (!hasProc) return ps(pid, 'command');
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
