import type { JsonObject } from '@app/kernel';
import type { ExecProcess, ExecRequest } from './exec.js';
import type { TaskDirectories } from '../allocation/directories.js';

/** How a task ended. `error` is empty if it ended by itself; code and signal are 0 if they do not apply. */
export interface ExitResult {
  readonly exitCode: number;
  readonly signal: number;
  readonly oomKilled: boolean;
  readonly error: string;
}
export const isSuccessful = (exit: ExitResult): boolean =>
  exit.exitCode === 0 && exit.signal === 0 && exit.error === '';

/** What a driver is told of the task it starts. Texts are interpolated already. */
export interface DriverTask {
  readonly allocationId: string;
  readonly name: string;
  readonly config: JsonObject;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  /** How much is kept of what the task says; null: nothing. */
  readonly logs: { readonly maxFiles: number; readonly maxFileBytes: number } | null;
  readonly directories: TaskDirectories;
  /** Makes the directories and the files the task expects in them. A driver that needs none does not call it. */
  readonly prepareDirectories: () => Promise<void>;
}

/** A task that was started. */
export interface TaskHandle {
  /** What {@link Driver.recover} needs to find the task again; kept in the agent's journal. */
  readonly state: JsonObject;
  /** Settles once, when the task has ended. Never rejects. */
  wait(): Promise<ExitResult>;
  /**
   * Asks the task to end, and forces it after `timeoutMs`. Returns when it has ended.
   * @throws Error if it cannot be ended.
   */
  kill(signal: string, timeoutMs: number): Promise<void>;
  /** @throws Error if the signal is unknown, or the task refuses it. */
  signal(signal: string): Promise<void>;
  /** Of the task's first process, where it is one. */
  readonly pid?: number;
  /** Forgets the task without ending it: the agent stops. */
  abandon(): void;
}

/** A task could not be started. */
export class StartError extends Error {
  /** Whether another try may help: if not, the restart policy is not asked (spec/lifecycle §9.6). */
  readonly recoverable: boolean;
  constructor(message: string, recoverable = false) {
    super(message);
    this.recoverable = recoverable;
  }
}

/** Either the task again, or why it cannot be found. */
export type Recovered = { readonly handle: TaskHandle } | { readonly lost: string };

export interface Fingerprint {
  /** Attributes of the driver itself. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly detected: boolean;
  readonly healthy: boolean;
  readonly description: string;
}

/** Runs tasks of one kind. */
export interface Driver {
  readonly name: string;
  fingerprint(): Promise<Fingerprint>;
  /** @throws StartError */
  start(task: DriverTask): Promise<TaskHandle>;
  /** Runs a command beside a running task. @throws Error, or the process says it when it ends, if it cannot be started */
  exec(task: DriverTask, request: ExecRequest): ExecProcess;
  /** Finds a task that an earlier run of the agent has started. Never rejects. */
  recover(task: DriverTask, state: JsonObject): Promise<Recovered>;
}
