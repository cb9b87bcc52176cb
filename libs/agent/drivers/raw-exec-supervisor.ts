import { execFileSync, spawn } from 'node:child_process';
import { openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';

/*
 * The parent of one raw_exec task. It outlives the agent, so that the exit of the task is known whatever happens to the agent: it starts the
 * task in a process group of its own, writes down who it is (`task.json`), and how it ended (`exit.json`).
 *
 * It runs as a program of its own, from source as well as compiled: it must not import anything but Node.
 */

/** What to start; handed over on standard input, since the environment may hold secrets. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: string;
  readonly stderr: string;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly oomScoreAdj: number | null;
  readonly taskFile: string;
  readonly exitFile: string;
}
/** A process that can be told from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In the system's words; on Linux the boot and the ticks since then. */
  readonly startTime: string;
}
/** `task.json` */
export interface SupervisedTask {
  readonly supervisor: ProcessIdentity;
  readonly task: ProcessIdentity;
}
/** `exit.json` */
export interface SupervisedExit {
  readonly exitCode: number;
  readonly signal: number;
}
/** The one line the supervisor says. */
export type LaunchAnswer = SupervisedTask | { readonly error: string };

/** The argument that makes this file run as a program. */
export const SUPERVISE = '--supervise';

/** When a process was started, in the system's words; empty if it is gone. */
export function startTimeOf(pid: number): string {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    // The second field is the name in brackets and may hold anything; state is the third, the start time the 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${boot}:${fields[19] ?? ''}`;
  } catch {
    return '';
  }
}

/** Who a process is: its number and when it was started. */
export const identify = (pid: number): ProcessIdentity => ({ pid, startTime: startTimeOf(pid) });

function writeWhole(path: string, content: object): void {
  writeFileSync(`${path}.new`, JSON.stringify(content), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function say(answer: LaunchAnswer): void {
  process.stdout.on('error', () => undefined);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

function supervise(launch: Launch): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => undefined);
  const child = spawn(launch.command, launch.args, {
    cwd: launch.cwd,
    env: launch.env,
    detached: true,
    stdio: ['ignore', openSync(launch.stdout, 'a', 0o644), openSync(launch.stderr, 'a', 0o644)],
    ...(launch.uid !== null && { uid: launch.uid }),
    ...(launch.gid !== null && { gid: launch.gid }),
  });
  const { pid } = child;
  child.once('error', (error) => {
    if (pid === undefined) say({ error: error.message });
  });
  if (pid === undefined) return;
  if (launch.oomScoreAdj !== null) adjustOomScore(pid, launch.oomScoreAdj);
  const supervised: SupervisedTask = { supervisor: identify(process.pid), task: identify(pid) };
  writeWhole(launch.taskFile, supervised);
  say(supervised);
  child.once('exit', (code, signalName) => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody of its group is left.
    }
    const signal = signalName === null ? 0 : constants.signals[signalName];
    const exit: SupervisedExit = { exitCode: signal === 0 ? (code ?? 0) : 128 + signal, signal };
    writeWhole(launch.exitFile, exit);
    process.exit(0);
  });
}

function adjustOomScore(pid: number, score: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(score));
  } catch {
    // A wish, not a condition; needs a privilege and Linux.
  }
}

if (process.argv[2] === SUPERVISE) {
  let input = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk) => (input += chunk));
  process.stdin.on('end', () => {
    try {
      supervise(JSON.parse(input) as Launch);
    } catch (error) {
      say({ error: error instanceof Error ? error.message : String(error) });
    }
  });
}
