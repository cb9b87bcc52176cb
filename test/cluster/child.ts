import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

/** A process of the stack, which can be ended, paused and started again. It ends by itself when this process does. */
export class Child {
  /** Told when it ends, unless {@link end} ended it. */
  onDeath: (how: string) => void = () => undefined;
  private process: ChildProcess | undefined;
  /** It was ended by this process, and is to stay so. */
  isEnded = false;
  private startedAt = 0;

  constructor(
    readonly name: string,
    private readonly file: string,
    private readonly env: Readonly<Record<string, string>>,
    /** What it prints is appended here. */
    readonly logFile: string,
    private readonly args: readonly string[] = [],
  ) {}

  get pid(): number | undefined {
    return this.process?.pid;
  }

  get runs(): boolean {
    return this.process !== undefined && this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Since it was started. */
  get livedMs(): number {
    return performance.now() - this.startedAt;
  }

  start(): void {
    if (this.runs) return;
    const log = openSync(this.logFile, 'a');
    this.process = spawn(process.execPath, ['--enable-source-maps', this.file, ...this.args], {
      stdio: ['ignore', log, log, 'ipc'],
      // Ctrl-C in a terminal is for the one who started the stack: it ends the others in order.
      detached: true,
      env: { ...process.env, ...this.env },
    });
    this.process.channel?.unref();
    this.isEnded = false;
    this.startedAt = performance.now();
    this.process.once('exit', (code, signal) => {
      if (!this.isEnded) this.onDeath(signal === null ? `exit code ${code}` : signal);
    });
    closeSync(log);
  }

  /** Sends a signal without waiting for what comes of it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void {
    if (this.runs) this.process?.kill(signal);
  }

  /** Ends it and waits for its end; a signal other than SIGKILL is followed by that one when the time is up. */
  async end(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT', boundMs = 15_000): Promise<void> {
    const { process: child } = this;
    this.isEnded = true;
    if (child === undefined || !this.runs) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), boundMs);
    await ended;
    clearTimeout(timer);
  }
}
