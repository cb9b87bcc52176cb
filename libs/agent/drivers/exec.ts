import type { Readable, Writable } from 'node:stream';

/** A command that runs beside a task, for as long as somebody looks. */
export interface ExecProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Null in a terminal. */
  readonly stderr: Readable | null;
  /** Settles when the command has ended and both outputs are read; 128 + n after signal n. Rejects if it cannot be started. */
  readonly exited: Promise<number>;
  resize(height: number, width: number): Promise<void>;
  /** It does not wait for the end of its input. */
  readonly endsByItself: boolean;
  /** Ends the command with all that it has started. */
  kill(): void;
}

export interface ExecRequest {
  readonly command: readonly string[];
  readonly tty: boolean;
}
