import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { promisify } from 'node:util';
import type { DriverTask } from './driver.js';
import type { ExecProcess, ExecRequest } from './exec.js';
import { findUser } from './raw-exec-config.js';

const RESIZE_MS = 2000;
const LOOK_MS = 10;
const run = promisify(execFile);

/**
 * Runs a command beside a raw_exec task: in its directory, with its environment, as its user. A terminal is one of util-linux's `script`;
 * without that program there are commands, but no terminals.
 */
export function execBeside(task: DriverTask, { command, tty }: ExecRequest): ExecProcess {
  const [program = '', ...args] = command;
  const shown = command.map(shellQuoted).join(' ');
  const [file, given] = tty ? ['script', ['-qefc', shown, '/dev/null']] : [program, args];
  const { uid, gid } = findUser(task.user) as { uid?: number; gid?: number };
  const child = spawn(file, given, {
    cwd: task.directories.task,
    env: tty ? { ...task.env, TERM: 'xterm', SHELL: '/bin/sh' } : task.env,
    // A group of its own: what the command starts ends with it.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  child.stdin.on('error', () => undefined);
  if (tty) child.stderr.resume();
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: tty ? null : child.stderr,
    exited: endOf(child, tty ? 'script' : program),
    resize: (height, width) => (tty ? resize(child, height, width) : Promise.resolve()),
    kill: () => killGroup(child),
    endsByItself: tty,
  };
}

function endOf(child: ChildProcess, program: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      const cause =
        error.code === 'ENOENT'
          ? 'no such file or directory'
          : error.code === 'EACCES'
            ? 'permission denied'
            : error.message;
      reject(new Error(`rpc error: code = Unknown desc = failed to start command: fork/exec ${program}: ${cause}`));
    });
    child.once('close', (code, signal) => resolve(signal === null ? (code ?? 0) : 128 + constants.signals[signal]));
  });
}

/** The terminal's size is a property of its device, which `stty` can reach. */
async function resize(child: ChildProcess, height: number, width: number): Promise<void> {
  const deadline = performance.now() + RESIZE_MS;
  while (child.pid !== undefined && child.exitCode === null && performance.now() < deadline) {
    const terminal = terminalOf(child.pid);
    if (terminal !== undefined)
      return void (await run('stty', ['-F', terminal, 'rows', String(height), 'cols', String(width)]).catch(
        () => undefined,
      ));
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** The terminal that `script` has made for its child. */
function terminalOf(pid: number): string | undefined {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) !== pid) continue;
      const device = readlinkSync(`/proc/${name}/fd/0`);
      if (device.startsWith('/dev/pts/')) return device;
    } catch {
      // It has ended meanwhile.
    }
  }
  return undefined;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

const shellQuoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
