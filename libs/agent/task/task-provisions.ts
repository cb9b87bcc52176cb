import type { Task } from '@app/domain';
import type { TimeUs } from '@app/kernel';
import type { TaskDirectories } from '../allocation/directories.js';
import { TaskArtifacts } from '../artifact/task-artifacts.js';
import { ownerOf } from '../drivers/raw-exec-config.js';
import { textOf, type AgentLog } from '../log.js';
import type { SignedIdentities } from '../protocol.js';
import type { ReadAnswer } from '../server-client.js';
import { runChangeScript, type ChangeScript } from '../template/change-script.js';
import { TaskTemplates, type Change } from '../template/task-templates.js';
import type { Timers } from '../timers.js';
import { refuseLacking } from './capabilities.js';
import { interpolateAll, type NodeFacts } from './task-environment.js';
import * as events from './task-event.js';
import { TaskIdentities, wantedIdentities } from './task-identities.js';
import type { TaskRunner } from './task-runner.js';

export interface ProvisionHost {
  readonly timers: Timers;
  readonly now: () => TimeUs;
  readonly random: () => number;
  readonly log: AgentLog;
  readonly node: NodeFacts;
  readonly namespace: string;
  readonly directories: TaskDirectories;
  readonly createDirectories: (task: Task) => Promise<void>;
  /** The variables that the agent itself gives to the task. */
  readonly environment: (task: Task) => Record<string, string>;
  /** Asks servers for identities of a task of this allocation. */
  readonly sign: (task: string, names: readonly string[]) => Promise<SignedIdentities>;
  /** Reads the servers' API in a task's name: spec/http-api-more. */
  readonly read: (
    path: string,
    token: string,
    index: number,
    waitMs: number,
    signal: AbortSignal,
  ) => Promise<ReadAnswer>;
  /** Whoever runs the task; undefined once nothing is to be told to it any more. */
  readonly runner: () => TaskRunner | undefined;
}

const hasTemplates = (task: Task): boolean => (task.Templates ?? []).length > 0;
const hasArtifacts = (task: Task): boolean => (task.Artifacts ?? []).length > 0;

/** What a task gets before it starts and while it runs: its identities, its artifacts, and its templates. */
export class TaskProvisions {
  readonly #identities: TaskIdentities;
  readonly #artifacts: TaskArtifacts;
  readonly #templates: TaskTemplates;
  #preparing = new AbortController();

  constructor(
    private readonly host: ProvisionHost,
    private task: Task,
  ) {
    const renewed = (mode: 'restart' | 'signal', signal: string): void =>
      this.#tell(mode, signal, 'Identity was renewed');
    this.#identities = new TaskIdentities({ ...host, renewed }, task.Name, host.directories);
    this.#artifacts = new TaskArtifacts(host.directories, () => host.runner()?.record(events.downloadingArtifacts()));
    this.#templates = new TaskTemplates(
      {
        ...host,
        env: () => this.#environment(),
        interpolate: (text) => this.#interpolated(text),
        read: async (path, index, waitMs, signal) =>
          host.read(path, await this.#identities.token(), index, waitMs, signal),
        missing: (names) => host.runner()?.record(events.templateMissing(names)),
        changed: (change) => this.#templatesChanged(change),
        failed: (reason) => host.runner()?.fail(reason),
      },
      host.directories,
    );
  }

  /** When the identities are due for renewal; 0: never. */
  get renewAtUs(): TimeUs {
    return this.#identities.renewAtUs;
  }

  /** @throws StartError if that may be tried again; Error if not, or if it was stopped */
  async prepare(task: Task): Promise<void> {
    this.task = task;
    refuseLacking(task);
    if (wantedIdentities(task).length === 0 && !hasArtifacts(task) && !hasTemplates(task)) return;
    const { signal } = (this.#preparing = new AbortController());
    const owner = ownerOf(task.User);
    await this.host.createDirectories(task);
    signal.throwIfAborted();
    await this.#identities.prepare(task, owner);
    signal.throwIfAborted();
    if (hasArtifacts(task)) await this.#artifacts.prepare(task, owner, (text) => this.#interpolated(text), signal);
    signal.throwIfAborted();
    if (hasTemplates(task)) await this.#templates.prepare(task, owner);
  }

  /** Goes on for a task that an earlier run of the agent has prepared. */
  resume(task: Task, renewAtUs: TimeUs | undefined): void {
    this.task = task;
    const owner = ownerOf(task.User);
    this.#identities.resume(task, owner, renewAtUs);
    if (hasTemplates(task)) this.#templates.resume(task, owner);
  }

  /** All variables of the task. */
  env(task: Task): Record<string, string> {
    this.task = task;
    return { ...this.#environment(), ...this.#templates.env() };
  }

  /** Nothing is kept up any more, and what is under way comes to no more. */
  stop(): void {
    this.#preparing.abort(new Error('the task is stopped'));
    this.#identities.stop();
    this.#templates.stop();
  }

  #interpolated(text: string): string {
    return interpolateAll(text, this.#environment(), this.host.node);
  }

  #environment(): Record<string, string> {
    return { ...this.host.environment(this.task), ...this.#identities.env(this.task) };
  }

  #templatesChanged({ restarts, signals, scripts }: Change): void {
    if (restarts) return this.#tell('restart', '', 'Template with change_mode restart re-rendered');
    for (const signal of signals) this.#tell('signal', signal, 'Template re-rendered');
    for (const script of scripts) void this.#run(script);
  }

  async #run(script: ChangeScript): Promise<void> {
    const runner = this.host.runner();
    if (runner?.state.State !== 'running') return;
    const shown = `script ${script.command} with arguments ${JSON.stringify(script.args)}`;
    const { timers } = this.host;
    const failed = await runChangeScript((command) => runner.exec({ command, tty: false }), script, timers).catch(
      textOf,
    );
    if (failed === '') return runner.record(events.hookMessage(`Template successfully ran ${shown}. Exit code: 0`));
    const text = `Template failed to run ${shown} on change: ${failed}`;
    if (script.failOnError) runner.fail(text);
    else runner.record(events.hookFailed(text));
  }

  /** A running task is to take up something new. */
  #tell(mode: 'restart' | 'signal', signal: string, reason: string): void {
    const runner = this.host.runner();
    if (runner?.state.State !== 'running') return;
    if (mode === 'restart') runner.restart(reason, 'by-operator');
    else void runner.signal(signal, reason).catch(() => undefined);
  }
}
