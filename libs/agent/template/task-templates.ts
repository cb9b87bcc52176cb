import type { Task } from '@app/domain';
import type { TaskDirectories } from '../allocation/directories.js';
import { placeInside, readBounded, writeInside, type Owner } from '../allocation/task-files.js';
import { MAX_TEMPLATE_BYTES, TEMPLATE_MISSING_MS } from '../limits.js';
import { textOf } from '../log.js';
import type { Cancel, Timers } from '../timers.js';
import type { ChangeScript } from './change-script.js';
import { remoteFunctions, type Dependency } from './dependencies.js';
import { parseEnvironment } from './env-file.js';
import { evaluate, MAX_OUTPUT } from './evaluate.js';
import { checkFunction, localFunctions } from './functions.js';
import { parseTemplate, type Template } from './parse.js';
import { templateBlock, type TemplateBlock } from './template-block.js';
import { TemplateError } from './template-error.js';
import type { TemplateFunction, Value } from './value.js';
import { Refused, Watches, type WatchHost } from './watches.js';

/** A character is three bytes at the most. */
const MAX_RENDERED_BYTES = 3 * MAX_OUTPUT;

/** What the task is to notice of templates that were rendered anew. A restart makes the others needless. */
export interface Change {
  readonly restarts: boolean;
  readonly signals: readonly string[];
  readonly scripts: readonly ChangeScript[];
}

export interface TemplateHost extends WatchHost {
  readonly timers: Timers;
  readonly random: () => number;
  readonly namespace: string;
  /** What templates see as their environment. */
  readonly env: () => Readonly<Record<string, string>>;
  /** `${NAME}` in the paths of a block. */
  readonly interpolate: (text: string) => string;
  /** What templates have waited for for a while: names as people are told them. */
  readonly missing: (names: readonly string[]) => void;
  readonly changed: (change: Change) => void;
  /** A template that was rendered once cannot be any more. */
  readonly failed: (reason: string) => void;
}

interface Rendered {
  readonly block: TemplateBlock;
  readonly template: Template;
  /** As it was written last; null: not yet. */
  content: string | null;
  variables: ReadonlyMap<string, string>;
}

/** Renders the templates of a task: all of them before it starts, and each again when what it asked for changes. */
export class TaskTemplates {
  #rendered: Rendered[] = [];
  #watches: Watches | null = null;
  #first: PromiseWithResolvers<void> | null = null;
  #waiting: ReadonlySet<string> = new Set();
  #passing = false;
  #again = false;
  #task: Task | null = null;
  /** What is told once the splay is over. */
  #pending: Change | null = null;
  #settleUntil = 0;
  #cancelWait: Cancel = () => undefined;
  readonly #cancels: Cancel[] = [];
  /** Counts preparations: what an earlier one has under way does nothing any more. */
  #generation = 0;

  constructor(
    private readonly host: TemplateHost,
    private readonly directories: TaskDirectories,
  ) {}

  /** The variables of templates with `env = true`. */
  env(): Record<string, string> {
    return Object.fromEntries(this.#rendered.flatMap(({ variables }) => [...variables]));
  }

  /** Settles when all templates are rendered. @throws Error if one cannot be */
  async prepare(task: Task, owner: Owner | null): Promise<void> {
    if (this.#isLive(task)) return this.#restore(owner);
    this.#first = Promise.withResolvers();
    const { promise } = this.#first;
    await Promise.all([promise, this.#begin(task, owner, false).catch((error: unknown) => this.#fail(error))]);
  }

  /** Goes on with the templates of a task that runs already: what is as it was is left alone. */
  resume(task: Task, owner: Owner | null): void {
    this.#first = null;
    this.#begin(task, owner, true).catch((error: unknown) => this.#fail(error));
  }

  /** Whether all is rendered and watched: a task that starts again needs no servers for it. */
  #isLive(task: Task): boolean {
    const isSame = task.Templates === this.#task?.Templates;
    return this.#watches !== null && isSame && this.#rendered.every(({ content }) => content !== null);
  }

  /** Writes what the task has changed or deleted. */
  async #restore(owner: Owner | null): Promise<void> {
    for (const { block, content } of this.#rendered)
      if (content !== null && (await this.#present(block)) !== content) await this.#write(block, content, owner);
  }

  stop(): void {
    this.#generation++;
    this.#watches?.keep(new Set());
    this.#watches = null;
    this.#pending = null;
    for (const cancel of this.#cancels.splice(0)) cancel();
    this.#cancelWait();
  }

  async #begin(task: Task, owner: Owner | null, isRunning: boolean): Promise<void> {
    this.stop();
    const generation = this.#generation;
    const rendered: Rendered[] = [];
    for (const one of task.Templates ?? []) {
      const block = templateBlock(one);
      const source = block.sourcePath === '' ? block.embedded : await this.#source(block.sourcePath);
      const template = parseTemplate(source, block.delimiters, checkFunction);
      const content = isRunning ? await this.#present(block) : null;
      const variables =
        content === null || !block.isEnvironment ? new Map<string, string>() : parseEnvironment(content);
      rendered.push({ block, template, content, variables });
    }
    if (generation !== this.#generation) return;
    this.#task = task;
    this.#rendered = rendered;
    this.#watches = new Watches(this.host, () => this.#schedule(owner));
    this.#cancels.push(this.host.timers.after(TEMPLATE_MISSING_MS, () => this.#tellMissing()));
    await this.#pass(owner);
  }

  #tellMissing(): void {
    if (this.#waiting.size > 0) this.host.missing([...this.#waiting]);
  }

  get #folders(): readonly string[] {
    return [this.directories.task, this.directories.shared];
  }

  async #source(path: string): Promise<string> {
    const file = await placeInside(this.#folders, this.host.interpolate(path));
    return readBounded(file, MAX_TEMPLATE_BYTES).catch((error: unknown) => {
      throw new TemplateError(`failed to read template: ${textOf(error)}`);
    });
  }

  /** What an earlier run has written. */
  async #present({ destination }: TemplateBlock): Promise<string | null> {
    const file = await placeInside(this.#folders, this.host.interpolate(destination));
    return readBounded(file, MAX_RENDERED_BYTES).catch(() => null);
  }

  /** Something that was asked for has changed: all is rendered again, once nothing has changed for as long as the blocks say. */
  #schedule(owner: Owner | null): void {
    const generation = this.#generation;
    const settled = this.#rendered.filter(({ content }) => content !== null);
    const wait = Math.max(0, ...settled.map(({ block }) => block.wait.minMs));
    const render = (): void => {
      if (generation !== this.#generation) return;
      this.#pass(owner).catch((error: unknown) => this.#fail(error));
    };
    if (wait === 0) return render();
    const now = performance.now();
    if (this.#settleUntil < now) this.#settleUntil = now + Math.max(...settled.map(({ block }) => block.wait.maxMs));
    this.#cancelWait();
    this.#cancelWait = this.host.timers.after(Math.min(wait, this.#settleUntil - now), render);
  }

  #fail(error: unknown): void {
    this.stop();
    const reason = `Template failed: ${textOf(error)}`;
    if (this.#first === null) return this.host.failed(reason);
    this.#first.reject(new Error(reason));
    this.#first = null;
  }

  async #pass(owner: Owner | null): Promise<void> {
    this.#again = true;
    if (this.#passing) return;
    this.#passing = true;
    const changed: TemplateBlock[] = [];
    try {
      while (this.#again) {
        this.#again = false;
        changed.push(...(await this.#renderAll(owner)));
      }
    } finally {
      this.#passing = false;
    }
    if (this.#first !== null) {
      if (this.#rendered.some(({ content }) => content === null)) return;
      this.#first.resolve();
      this.#first = null;
    } else if (changed.length > 0) this.#announce(changed);
  }

  /** @returns the templates that have another content now */
  async #renderAll(owner: Owner | null): Promise<TemplateBlock[]> {
    const watches = this.#watches;
    if (watches === null) return [];
    const generation = this.#generation;
    const asked = new Set<string>();
    const waiting = new Set<string>();
    const changed: TemplateBlock[] = [];
    for (const one of this.#rendered) {
      if (one.block.once && one.content !== null) continue;
      const text = this.#render(one, watches, asked, waiting);
      if (text === null || text === one.content) continue;
      const variables = one.block.isEnvironment ? parseEnvironment(text) : one.variables;
      await this.#write(one.block, text, owner);
      if (generation !== this.#generation) return [];
      one.content = text;
      one.variables = variables;
      changed.push(one.block);
    }
    this.#waiting = waiting;
    watches.keep(asked);
    return changed;
  }

  async #write({ destination, mode, uid, gid }: TemplateBlock, text: string, owner: Owner | null): Promise<void> {
    const self = owner ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const given = uid === null && gid === null ? owner : { uid: uid ?? self.uid, gid: gid ?? self.gid };
    await writeInside(this.#folders, this.host.interpolate(destination), text, { mode, owner: given });
  }

  /** @returns null if something that it asks for is not there yet */
  #render({ block, template }: Rendered, watches: Watches, asked: Set<string>, waiting: Set<string>): string | null {
    let isMissing = false;
    const ask = (dependency: Dependency): Value => {
      asked.add(dependency.name);
      const value = watches.ask(dependency);
      if (value !== undefined) return value;
      isMissing = true;
      waiting.add(dependency.name);
      return undefined;
    };
    const functions = new Map<string, TemplateFunction>([
      ...localFunctions(this.host.env()),
      ...remoteFunctions(this.host.namespace, ask),
    ]);
    try {
      const text = evaluate(template, { functions, errMissingKey: block.errMissingKey });
      return isMissing ? null : text;
    } catch (error) {
      // What it stumbled over may come of what is not there yet.
      if (isMissing && !(error instanceof Refused)) return null;
      throw error;
    }
  }

  #announce(changed: readonly TemplateBlock[]): void {
    const restarts = changed.some(({ changeMode }) => changeMode === 'restart');
    const signals = changed.flatMap(({ changeMode, changeSignal }) => (changeMode === 'signal' ? [changeSignal] : []));
    const scripts = changed.flatMap(({ changeMode, changeScript: script }) =>
      changeMode === 'script' && script !== null ? [script] : [],
    );
    if (!restarts && signals.length + scripts.length === 0) return;
    const splay = Math.max(...changed.map(({ changeMode, splayMs }) => (changeMode === 'noop' ? 0 : splayMs)));
    const isTold = this.#pending !== null;
    this.#pending = {
      restarts: restarts || (this.#pending?.restarts ?? false),
      signals: [...new Set([...(this.#pending?.signals ?? []), ...signals])],
      scripts: [...new Set([...(this.#pending?.scripts ?? []), ...scripts])],
    };
    if (isTold) return;
    const tell = (): void => {
      const change = this.#pending;
      this.#pending = null;
      if (change !== null) this.host.changed(change);
    };
    this.#cancels.push(this.host.timers.after(splay * this.host.random(), tell));
  }
}
