import type { Task } from '@app/domain';
import { ownProperty, type TimeUs } from '@app/kernel';
import type { TaskDirectories } from '../allocation/directories.js';
import { writeInside, type Owner } from '../allocation/task-files.js';
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
  /** Counts preparations: one that was stopped or overtaken while servers signed plans no renewal. */
  #turn = 0;
  /** The default identity, signed for the agent's own questions in the task's name. */
  #asking: { readonly token: string; readonly renewAtUs: TimeUs } | null = null;
  /** Several questions at once wait for one signature. */
  #signing: Promise<string> | null = null;

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
  resume(task: Task, owner: Owner | null, renewAtUs: TimeUs | undefined): void {
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
  async prepare(task: Task, owner: Owner | null): Promise<void> {
    const wanted = wantedIdentities(task);
    this.stop();
    if (wanted.length === 0) return;
    const turn = this.#turn;
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
      renewAtUs = Math.min(renewAtUs, renewalOf(ExpiresAtUs, now));
    }
    for (const { name, path } of wanted) {
      const token = this.#tokens.get(name);
      if (path !== null && token !== undefined)
        await writeInside([this.directories.task], path, token, { mode: 0o600, owner });
    }
    if (turn !== this.#turn) return;
    if (renewAtUs < Infinity) this.#renewAt(renewAtUs, task, owner);
    else this.#renewAtUs = 0;
  }

  /** The task's default identity, in whose name its templates are answered. @throws Error if servers do not give it now */
  token(): Promise<string> {
    if (this.#asking !== null && this.host.now() < this.#asking.renewAtUs) return Promise.resolve(this.#asking.token);
    this.#signing ??= this.#signDefault().finally(() => {
      this.#signing = null;
    });
    return this.#signing;
  }

  async #signDefault(): Promise<string> {
    const now = this.host.now();
    const { Identities: signed, Rejections: rejected } = await this.host.sign(this.task, [DEFAULT]);
    const [identity] = signed;
    if (identity === undefined) throw new Error(`the default identity was refused: ${rejected[0]?.Reason ?? ''}`);
    this.#asking = { token: identity.Token, renewAtUs: renewalOf(identity.ExpiresAtUs, now) };
    return identity.Token;
  }

  stop(): void {
    this.#turn++;
    this.#cancel?.();
    this.#cancel = null;
  }

  #renewAt(atUs: TimeUs, task: Task, owner: Owner | null): void {
    this.#renewAtUs = atUs;
    this.#renewAfter(Math.max((atUs - this.host.now()) / 1000, IDENTITY_RENEWAL_MIN_MS), task, owner);
  }

  #renewAfter(ms: number, task: Task, owner: Owner | null): void {
    this.#cancel = this.host.timers.after(ms, () => {
      const renewal = this.prepare(task, owner);
      const turn = this.#turn;
      renewal.then(
        () => {
          for (const { changeMode, changeSignal } of wantedIdentities(task))
            if (changeMode === 'restart' || changeMode === 'signal') this.host.renewed(changeMode, changeSignal);
        },
        (error: unknown) => {
          if (turn !== this.#turn) return;
          this.host.log.warn({ task: this.task, error: textOf(error) }, 'identities cannot be renewed; trying again');
          this.#renewAfter(IDENTITY_RETRY_MS, task, owner);
        },
      );
    });
  }
}

/** In the middle of its time; never, for one without an end. */
const renewalOf = (expiresAtUs: TimeUs, now: TimeUs): TimeUs =>
  expiresAtUs > 0 ? now + (expiresAtUs - now) / 2 : Infinity;
