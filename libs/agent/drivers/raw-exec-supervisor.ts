import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  constants as fs,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { constants } from 'node:os';
import { basename, dirname } from 'node:path';
import type { Readable } from 'node:stream';

/*
 * The parent of one raw_exec task. It outlives the agent, so that the exit of the task is known whatever happens to the agent: it starts the
 * task in a process group of its own, writes down who it is (`task.json`), and how it ended (`exit.json`). What the task says passes through
 * it into files of bounded size and number.
 *
 * It runs as a program of its own, from source as well as compiled: it must not import anything but Node.
 */

/** What to start; handed over on standard input, since the environment may hold secrets. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Null: the task is not listened to. */
  readonly logs: Logs | null;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly oomScoreAdj: number | null;
  readonly taskFile: string;
  readonly exitFile: string;
}
/** Files of logs are called as here, with a dot and a number that grows: `main.stdout.3`. */
export interface Logs {
  readonly stdout: string;
  readonly stderr: string;
  readonly maxFiles: number;
  readonly maxFileBytes: number;
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

/**
 * How long is waited for the rest of what a task has said, once it has ended: as long as more comes, within a bound. Whoever has left its
 * group may hold its outputs open.
 */
const REST_MS = 1_000;
const LONGEST_REST_MS = 10_000;
const NEW_LINE = 10;
/** Numbers that are tried for a new file: the task may have made files of its own. */
const TRIES = 16;

/** The newest files of a log: so many, of such a size at most. The numbers go on where an earlier run of the task was. */
class RotatingLog {
  readonly #name: string;
  readonly #maxFiles: number;
  readonly #maxBytes: number;
  #number: number;
  #file: number | null = null;
  #size = 0;

  constructor(name: string, { maxFiles, maxFileBytes }: Logs) {
    this.#name = name;
    this.#maxFiles = Math.max(1, maxFiles);
    this.#maxBytes = Math.max(1, maxFileBytes);
    const numbers = this.#numbers();
    this.#number = Math.max(0, ...numbers);
    this.#open(numbers.length === 0);
  }

  write(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0;) {
      if (this.#size >= this.#maxBytes || this.#file === null) this.#rotate();
      const part = this.#partOf(rest);
      rest = rest.subarray(part.length);
      this.#size += part.length;
      try {
        if (this.#file !== null) writeSync(this.#file, part);
      } catch {
        // A disk that is full loses what is said; the task must not notice.
      }
    }
  }

  /** As much as the file may still hold, up to the end of a line if there is one. */
  #partOf(chunk: Buffer): Buffer {
    const room = this.#maxBytes - this.#size;
    if (chunk.length <= room) return chunk;
    const line = chunk.subarray(0, room).lastIndexOf(NEW_LINE);
    return chunk.subarray(0, line >= 0 ? line + 1 : room);
  }

  #rotate(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    for (let tries = 0; this.#file === null && tries < TRIES; tries++) {
      this.#number++;
      this.#open(true);
    }
  }

  /** The task may write to the folder, too: what it has put there is neither followed nor waited for. */
  #open(isNew: boolean): void {
    this.#size = 0;
    try {
      const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = fs;
      const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | (isNew ? O_EXCL : 0);
      const file = openSync(`${this.#name}.${this.#number}`, flags, 0o644);
      const { size, nlink } = fstatSync(file);
      if (nlink > 1) return closeSync(file);
      this.#file = file;
      this.#size = size;
      for (const number of this.#numbers())
        if (number <= this.#number - this.#maxFiles) rmSync(`${this.#name}.${number}`, { force: true });
    } catch {
      // The next piece tries the next number.
    }
  }

  #numbers(): number[] {
    try {
      const prefix = `${basename(this.#name)}.`;
      return readdirSync(dirname(this.#name))
        .filter((name) => name.startsWith(prefix) && /^\d{1,15}$/.test(name.slice(prefix.length)))
        .map((name) => Number(name.slice(prefix.length)));
    } catch {
      return [];
    }
  }
}

/** Settles when the task can say no more. */
function listen(output: Readable | null, log: RotatingLog, heard: () => void): Promise<void> {
  if (output === null) return Promise.resolve();
  output.on('data', (chunk: Buffer) => {
    log.write(chunk);
    heard();
  });
  output.on('error', () => undefined);
  return new Promise((resolve) => output.once('close', resolve));
}

function supervise(launch: Launch): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => undefined);
  const { logs } = launch;
  // Before the task can put anything into their folder.
  const files = logs === null ? [] : [new RotatingLog(logs.stdout, logs), new RotatingLog(logs.stderr, logs)];
  const child = spawn(launch.command, launch.args, {
    cwd: launch.cwd,
    env: launch.env,
    detached: true,
    stdio: logs === null ? 'ignore' : ['ignore', 'pipe', 'pipe'],
    ...(launch.uid !== null && { uid: launch.uid }),
    ...(launch.gid !== null && { gid: launch.gid }),
  });
  const { pid } = child;
  let heard = (): void => undefined;
  const said = files.map((log, at) => listen(at === 0 ? child.stdout : child.stderr, log, () => heard()));
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
    const late = new Promise<void>((resolve) => {
      setTimeout(resolve, LONGEST_REST_MS);
      const silence = setTimeout(resolve, REST_MS);
      heard = () => void silence.refresh();
    });
    void Promise.race([Promise.all(said), late]).then(() => {
      writeWhole(launch.exitFile, exit);
      process.exit(0);
    });
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
