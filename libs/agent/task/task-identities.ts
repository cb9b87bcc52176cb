import { randomBytes } from 'node:crypto';
import { chown, mkdir, realpath, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Task } from '@app/domain';
import { ownProperty, type TimeUs } from '@app/kernel';
import type { TaskDirectories } from '../allocation/directories.js';
import { StartError } from '../drivers/driver.js';
import { IDENTITY_RENEWAL_MIN_MS, IDENTITY_RETRY_MS } from '../limits.js';
import { textOf, type AgentLog } from '../log.js';
import type { SignedIdentities } from '../protocol.js';
import { RequestRefused } from '../server-client.js';
import type { Cancel, Timers } from '../timers.js';

const DEFAULT = 'default';

/** An identity that a task gets as a variable or a file. */
interface Wanted {
  readonly name: string;
  readonly env: boolean;
  /** Where its file goes, relative to the task's directory; null: no file. */
  readonly path: string | null;
  readonly changeMode: string;
  readonly changeSignal: string;
}

/** What the identities of a task need of their surroundings. */
export interface IdentityHost {
  readonly timers: Timers;
  readonly now: () => TimeUs;
  readonly log: AgentLog;
  readonly sign: (task: string, names: readonly string[]) => Promise<SignedIdentities>;
  /** An identity was renewed: the task is to be restarted, or gets a signal. */
  readonly renewed: (mode: 'restart' | 'signal', signal: string) => void;
}

/** The identities that a task asks for, in Nomad's places. Pure. */
export function wantedIdentities(task: Pick<Task, 'Identity' | 'Identities'>): Wanted[] {
  return [task.Identity, ...(task.Identities ?? [])]
    .filter((block) => block !== null)
    .map((block) => {
      const text = (name: string): string => {
        const value = ownProperty(block, name);
        return typeof value === 'string' ? value : '';
      };
      const name = text('Name') || DEFAULT;
      const file = text('Filepath') || `secrets/nomad_${name === DEFAULT ? 'token' : `${name}.jwt`}`;
      return {
        name,
        env: block['Env'] === true,
        path: block['File'] === true ? file : null,
        changeMode: text('ChangeMode'),
        changeSignal: text('ChangeSignal'),
      };
    })
    .filter(({ env, path }) => env || path !== null);
}

/** Gets the identities of a task before it starts, puts them where it looks for them, and renews them in the middle of their time. */
export class TaskIdentities {
  readonly #tokens = new Map<string, string>();
  #cancel: Cancel | null = null;
  #renewAtUs: TimeUs = 0;

  constructor(
    private readonly host: IdentityHost,
    private readonly task: string,
    private readonly directories: TaskDirectories,
  ) {}

  /** When the identities are due for renewal; 0: never. */
  get renewAtUs(): TimeUs {
    return this.#renewAtUs;
  }

  /**
   * Renews the identities of a task that was taken up again, when they are due.
   * @param renewAtUs what an earlier run of the agent noted; undefined: nothing, and they are renewed at once.
   */
  resume(
    task: Task,
    owner: { readonly uid: number; readonly gid: number } | null,
    renewAtUs: TimeUs | undefined,
  ): void {
    this.stop();
    if (wantedIdentities(task).length === 0 || renewAtUs === 0) return;
    this.#renewAt(renewAtUs ?? this.host.now(), task, owner);
  }

  /** `NOMAD_TOKEN` and `NOMAD_TOKEN_<name>`, of those that want it. */
  env(task: Task): Record<string, string> {
    return Object.fromEntries(
      wantedIdentities(task).flatMap(({ name, env }) => {
        const token = this.#tokens.get(name);
        return env && token !== undefined ? [[name === DEFAULT ? 'NOMAD_TOKEN' : `NOMAD_TOKEN_${name}`, token]] : [];
      }),
    );
  }

  /** @throws StartError if the servers cannot be asked now; Error if they refuse, or a file would lie outside of the task's directory. */
  async prepare(task: Task, owner: { readonly uid: number; readonly gid: number } | null): Promise<void> {
    const wanted = wantedIdentities(task);
    this.stop();
    if (wanted.length === 0) return;
    const { Identities: signed, Rejections: rejected } = await this.host
      .sign(
        this.task,
        wanted.map(({ name }) => name),
      )
      .catch((error: unknown) => {
        if (error instanceof RequestRefused && error.isMalformed) throw error;
        throw new StartError(`identities cannot be had now: ${textOf(error)}`, true);
      });
    const [refusal] = rejected;
    if (refusal) throw new Error(`identity ${JSON.stringify(refusal.Name)} was refused: ${refusal.Reason}`);
    const now = this.host.now();
    let renewAtUs = Infinity;
    for (const { Name, Token, ExpiresAtUs } of signed) {
      this.#tokens.set(Name, Token);
      if (ExpiresAtUs > 0) renewAtUs = Math.min(renewAtUs, now + (ExpiresAtUs - now) / 2);
    }
    for (const { name, path } of wanted) {
      const token = this.#tokens.get(name);
      if (path !== null && token !== undefined) await this.#write(path, token, owner);
    }
    if (renewAtUs < Infinity) this.#renewAt(renewAtUs, task, owner);
    else this.#renewAtUs = 0;
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #renewAt(atUs: TimeUs, task: Task, owner: { readonly uid: number; readonly gid: number } | null): void {
    this.#renewAtUs = atUs;
    this.#renewAfter(Math.max((atUs - this.host.now()) / 1000, IDENTITY_RENEWAL_MIN_MS), task, owner);
  }

  #renewAfter(ms: number, task: Task, owner: { readonly uid: number; readonly gid: number } | null): void {
    this.#cancel = this.host.timers.after(ms, () => {
      this.prepare(task, owner).then(
        () => {
          for (const { changeMode, changeSignal } of wantedIdentities(task))
            if (changeMode === 'restart' || changeMode === 'signal') this.host.renewed(changeMode, changeSignal);
        },
        (error: unknown) => {
          this.host.log.warn({ task: this.task, error: textOf(error) }, 'identities cannot be renewed; trying again');
          this.#renewAfter(IDENTITY_RETRY_MS, task, owner);
        },
      );
    });
  }

  /** By a new file that takes the place of the old one: a link that a task has left there is not followed. */
  async #write(
    path: string,
    token: string,
    owner: { readonly uid: number; readonly gid: number } | null,
  ): Promise<void> {
    const root = this.directories.task;
    const target = resolve(root, path);
    const outside = (): Error => new Error(`the identity file ${path} lies outside of the task directory`);
    if (!target.startsWith(root + sep)) throw outside();
    const realRoot = await realpath(root);
    const isInside = (folder: string): boolean => folder === realRoot || folder.startsWith(realRoot + sep);
    // Not even a folder is made behind a link.
    if (!isInside(await presentFolder(dirname(target)))) throw outside();
    await mkdir(dirname(target), { recursive: true });
    const folder = await realpath(dirname(target));
    if (!isInside(folder)) throw outside();
    const draft = join(folder, `.${randomBytes(8).toString('hex')}`);
    await writeFile(draft, token, { mode: 0o600, flag: 'wx' });
    if (owner) await chown(draft, owner.uid, owner.gid);
    await rename(draft, join(folder, basename(target)));
  }
}

/** Where a path leads, as far as it is there. */
async function presentFolder(path: string): Promise<string> {
  return realpath(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    return presentFolder(dirname(path));
  });
}
