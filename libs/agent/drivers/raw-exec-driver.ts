import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { extname, join } from 'node:path';
import type { JsonObject } from '@app/kernel';
import { GONE_AFTER_SIGKILL_MS, ORPHAN_POLL_MS } from '../limits.js';
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
import type { ExecProcess, ExecRequest } from './exec.js';
import { execBeside } from './raw-exec-session.js';
import { isAlive, sendSignal } from './live-process.js';
import { findCommand, findUser, parseRawExecConfig } from './raw-exec-config.js';
import {
  SUPERVISE,
  type Launch,
  type LaunchAnswer,
  type SupervisedExit,
  type SupervisedTask,
} from './raw-exec-supervisor.js';

const SUPERVISOR = join(__dirname, `raw-exec-supervisor${extname(__filename)}`);
const SUPERVISOR_FLAGS = ['--no-warnings', '--max-old-space-size=32', '--max-semi-space-size=1'];

/**
 * `raw_exec`: real processes, without any isolation (spec/lifecycle §9.10). Each has a supervisor that outlives the agent; see
 * raw-exec-supervisor.ts.
 */
export class RawExecDriver implements Driver {
  readonly name = 'raw_exec';
  readonly #timers: Timers;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  fingerprint(): Promise<Fingerprint> {
    const works = process.platform !== 'win32';
    return Promise.resolve({
      attributes: works ? { 'driver.raw_exec': 'true' } : {},
      detected: works,
      healthy: works,
      description: works ? 'Healthy' : 'raw_exec is not supported on this system',
    });
  }

  async start(task: DriverTask): Promise<TaskHandle> {
    const config = parseRawExecConfig(task.config);
    await task.prepareDirectories();
    const files = filesOf(task);
    await this.#endPredecessor(files);
    const cwd = config.workDir ?? task.directories.task;
    const launch: Launch = {
      command: findCommand(config.command, task, cwd),
      args: config.args,
      cwd,
      env: Object.fromEntries(Object.entries(task.env).filter(([name]) => !config.deniedEnv.includes(name))),
      logs: task.logs && { ...task.directories.logs, ...task.logs },
      ...findUser(task.user),
      oomScoreAdj: config.oomScoreAdj,
      ...files,
    };
    const child = spawn(process.execPath, [...SUPERVISOR_FLAGS, SUPERVISOR, SUPERVISE], {
      cwd: '/',
      env: {},
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const answer = await answerOf(child, launch);
    if ('error' in answer) {
      throw new StartError(`failed to launch command with executor: rpc error: code = Unknown desc = ${answer.error}`);
    }
    return new ProcessHandle(this.#timers, answer, files.exitFile, child);
  }

  exec(task: DriverTask, request: ExecRequest): ExecProcess {
    return execBeside(task, request);
  }

  recover(task: DriverTask, state: JsonObject): Promise<Recovered> {
    const supervised = state as unknown as SupervisedTask;
    const handle = new ProcessHandle(this.#timers, supervised, filesOf(task).exitFile, null);
    return Promise.resolve({ handle });
  }

  /** A process of this task that nobody knows any more (the agent ended before it could note it) must not run beside the new one. */
  async #endPredecessor(files: TaskFiles): Promise<void> {
    const predecessor = readJson<SupervisedTask>(files.taskFile);
    if (predecessor !== null && isAlive(predecessor.task)) {
      const handle = new ProcessHandle(this.#timers, predecessor, files.exitFile, null);
      await handle.kill('SIGKILL', 0);
    }
    rmSync(files.taskFile, { force: true });
    rmSync(files.exitFile, { force: true });
  }
}

type TaskFiles = Pick<Launch, 'taskFile' | 'exitFile'>;

const filesOf = (task: DriverTask): TaskFiles => ({
  taskFile: join(task.directories.executor, 'task.json'),
  exitFile: join(task.directories.executor, 'exit.json'),
});

function readJson<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

/** Hands the launch over and waits for the one line that the supervisor says. */
function answerOf(child: ChildProcess, launch: Launch): Promise<LaunchAnswer> {
  const { promise, resolve } = Promise.withResolvers<LaunchAnswer>();
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new StartError('the supervisor has no pipes');
  let said = '';
  child.once('error', (error) => resolve({ error: error.message }));
  stdin.on('error', () => undefined);
  stdin.end(JSON.stringify(launch));
  stdout.setEncoding('utf8');
  stdout.on('data', (chunk: string) => {
    said += chunk;
    if (said.endsWith('\n')) stdout.destroy();
  });
  stdout.once('close', () => {
    // The supervisor is on its own from here: it keeps no process waiting that wants to end.
    child.unref();
    try {
      resolve(JSON.parse(said) as LaunchAnswer);
    } catch {
      resolve({ error: 'the supervisor ended before the task was started' });
    }
  });
  return promise;
}

const LOST: ExitResult = {
  exitCode: -1,
  signal: 0,
  oomKilled: false,
  error: 'the process is gone and left no exit status',
};

/** A process: followed by the death of its supervisor where that is our child, by looking at it otherwise. */
class ProcessHandle implements TaskHandle {
  readonly state: JsonObject;
  readonly #timers: Timers;
  readonly #supervised: SupervisedTask;
  readonly #exitFile: string;
  readonly #exited = Promise.withResolvers<ExitResult>();
  #hasExited = false;
  #abandoned = false;

  constructor(timers: Timers, supervised: SupervisedTask, exitFile: string, child: ChildProcess | null) {
    this.state = { ...supervised } as unknown as JsonObject;
    this.#timers = timers;
    this.#supervised = supervised;
    this.#exitFile = exitFile;
    if (child === null || child.exitCode !== null || child.signalCode !== null) this.#look();
    else child.once('exit', () => this.#look());
  }

  get pid(): number {
    return this.#supervised.task.pid;
  }

  wait(): Promise<ExitResult> {
    return this.#exited.promise;
  }

  async kill(signal: string, timeoutMs: number): Promise<void> {
    if (this.#hasExited) return;
    const { task } = this.#supervised;
    if (timeoutMs > 0) {
      sendSignal(task, signalNamed(signal), 'process');
      await this.#timers.atMost(timeoutMs, this.wait());
    }
    if (this.#hasExited) return;
    sendSignal(task, 'SIGKILL', 'group');
    await this.#timers.atMost(GONE_AFTER_SIGKILL_MS, this.wait());
    if (!this.#hasExited) throw new Error(`process ${task.pid} is still there after SIGKILL`);
  }

  async signal(signal: string): Promise<void> {
    if (this.#hasExited) throw new Error('Task not running');
    sendSignal(this.#supervised.task, signalNamed(signal), 'process');
  }

  abandon(): void {
    this.#abandoned = true;
  }

  /** Settles if the process has ended; otherwise looks again a little later. */
  #look(): void {
    if (this.#abandoned) return;
    const { supervisor, task } = this.#supervised;
    // Asked before the file is read: a supervisor that is gone has written all it ever will.
    const supervised = isAlive(supervisor);
    const exit = readJson<SupervisedExit>(this.#exitFile);
    if (exit !== null) this.#settle({ ...LOST, ...exit, error: '' });
    else if (!supervised && !isAlive(task)) this.#settle(LOST);
    else this.#timers.after(ORPHAN_POLL_MS, () => this.#look());
  }

  #settle(exit: ExitResult): void {
    this.#hasExited = true;
    this.#exited.resolve(exit);
  }
}

function signalNamed(name: string): NodeJS.Signals {
  const signal = name.toUpperCase();
  if (Object.hasOwn(constants.signals, signal)) return signal as NodeJS.Signals;
  throw new Error(`Signal ${name} is not supported`);
}
