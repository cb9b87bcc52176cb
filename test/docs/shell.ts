import { spawn, type ChildProcess } from 'node:child_process';

/** What ends the output of a command, before its exit code. */
const MARK = '\u001e';
/** A refusal is a failure, and so is one in the middle of a pipe. */
const PREPARED = 'set -o pipefail; curl() { command curl --fail-with-body --show-error "$@"; }';

/** One shell, in which variables and functions last from command to command, as in a reader's terminal. */
export class Shell {
  private readonly process: ChildProcess;
  private output = '';
  private heard: () => void = () => undefined;

  constructor(directory: string, env: NodeJS.ProcessEnv) {
    this.process = spawn('bash', ['--noprofile', '--norc'], { cwd: directory, env, stdio: 'pipe' });
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.heard();
      });
    this.process.on('exit', () => this.heard());
    this.process.stdin?.write(`${PREPARED}\n`);
  }

  /** Runs a line to its end. @throws Error when that takes too long, or the shell itself ends */
  async run(line: string, boundMs: number): Promise<{ readonly code: number; readonly output: string }> {
    this.output = '';
    const quoted = `'${line.replaceAll("'", `'\\''`)}'`;
    this.process.stdin?.write(`eval ${quoted} </dev/null; printf '\\n${MARK}%s${MARK}' $?\n`);
    const deadline = performance.now() + boundMs;
    for (;;) {
      const found = new RegExp(`\\n${MARK}(\\d+)${MARK}`).exec(this.output);
      if (found) return { code: Number(found[1]), output: this.output.slice(0, found.index) };
      if (this.process.exitCode !== null) throw new Error(`the shell ended: ${this.output}`);
      if (performance.now() > deadline) throw new Error(`not over after ${boundMs} ms: ${this.output}`);
      await new Promise<void>((resolve) => {
        this.heard = resolve;
        setTimeout(resolve, 500).unref();
      });
    }
  }

  end(): void {
    this.process.kill('SIGKILL');
  }
}
