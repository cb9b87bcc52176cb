import {
  activeKey,
  deprecateRootKey,
  initialiseKeyring,
  publishRootKey,
  resealVariable,
  type KeyringState,
  type VariableState,
} from '@app/domain';
import type { Keyring } from '@app/keyring';
import { KEYRING, US_PER_MS, variableStream, type StreamName } from '@app/kernel';
import type { Variables } from '@app/read-models';
import type { Movement } from './cluster-state.js';
import { issue, type Reactor, type ReactorContext } from './reactor.js';

/** Variables that are put under another key at a time. */
const PER_BATCH = 100;
const RETRY_MS = 5_000;
const MAX_SLEEP_MS = 60_000;

/** Where the variables of a key are found. */
export interface ResealSource {
  readonly encryptedBy: Variables['encryptedBy'];
  readonly load: (streams: readonly StreamName[]) => Promise<ReadonlyMap<StreamName, { readonly state: string }>>;
}

/**
 * Looks after the keyring on the leader: makes the first key, publishes those whose time has come, and after a full rotation puts every variable under the new
 * key, in batches. What is left to do follows from the keyring and the variables, so a new leader goes on where the last one was.
 */
export class KeyringKeeper implements Reactor {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private again = false;
  private running = false;

  constructor(
    private readonly context: ReactorContext,
    private readonly keyring: Keyring,
    private readonly source: ResealSource,
  ) {}

  start(): void {
    this.running = true;
    this.look();
  }

  react(movements: readonly Movement[]): void {
    if (this.running && movements.some(({ stream }) => stream === KEYRING)) this.look();
  }

  async stop(): Promise<void> {
    this.running = false;
    clearTimeout(this.timer);
    await this.looking;
  }

  private look(): void {
    clearTimeout(this.timer);
    if (this.looking !== undefined) {
      this.again = true;
      return;
    }
    this.again = false;
    this.looking = this.tend()
      .then(
        () => this.untilNextPublication(),
        (error: unknown) => {
          this.context.onError(error);
          return RETRY_MS;
        },
      )
      .then((ms) => {
        this.looking = undefined;
        if (!this.running) return;
        if (this.again) this.look();
        else this.timer = setTimeout(() => this.look(), ms);
      });
  }

  private async tend(): Promise<void> {
    const state = this.context.cluster.keyring;
    if (activeKey(state) === undefined) {
      const key = await this.keyring.newKey();
      await issue(this.context, 'InitialiseKeyring', (view, context) => initialiseKeyring(view, context, { key }));
    }
    for (const { id } of this.due(state)) {
      await issue(this.context, 'PublishRootKey', (view, context) => publishRootKey(view, context, { id }));
    }
    const replaced = (this.context.cluster.keyring?.keys ?? []).filter(({ status }) => status === 'rekeying');
    for (const { id } of replaced) if (!(await this.reseal(id))) return;
  }

  private due(state: KeyringState | undefined) {
    const now = BigInt(this.context.now()) * 1000n;
    return (state?.keys ?? []).filter((key) => key.status === 'prepublished' && BigInt(key.publishTime) <= now);
  }

  private untilNextPublication(): number {
    const now = BigInt(this.context.now()) * 1000n;
    const times = (this.context.cluster.keyring?.keys ?? [])
      .filter(({ status }) => status === 'prepublished')
      .map(({ publishTime }) => Number((BigInt(publishTime) - now) / BigInt(US_PER_MS * 1000)) + 1);
    return Math.min(Math.max(0, ...(times.length > 0 ? [Math.min(...times)] : [MAX_SLEEP_MS])), MAX_SLEEP_MS);
  }

  /** Puts all that a key has encrypted under the active one; says so of the key when nothing is left. False: not any more. */
  private async reseal(keyId: string): Promise<boolean> {
    let after = '';
    for (;;) {
      const found = await this.source.encryptedBy([keyId], after, PER_BATCH);
      if (!this.running) return false;
      if (found.length === 0 && after === '') {
        await issue(this.context, 'DeprecateRootKey', (view, context) =>
          deprecateRootKey(view, context, { id: keyId }),
        );
        return true;
      }
      // From the beginning: what was changed meanwhile, or could not be put under the key, is found again.
      if (found.length === 0) {
        after = '';
        continue;
      }
      await this.resealBatch(found);
      after = found.at(-1)!.key;
    }
  }

  private async resealBatch(found: readonly { readonly namespace: string; readonly path: string }[]): Promise<void> {
    const streams = found.map(({ namespace, path }) => variableStream(namespace, path));
    const states = await this.source.load(streams);
    const outcomes = await Promise.all(
      streams.map(async (stream) => {
        const stored = states.get(stream);
        const variable = stored === undefined ? undefined : (JSON.parse(stored.state) as VariableState);
        if (variable === undefined || variable.purged) return undefined;
        const { namespace, path, sealed: before } = variable;
        const items = await this.keyring.sealItems(
          namespace,
          path,
          await this.keyring.openItems(namespace, path, variable),
        );
        return issue(
          this.context,
          'ResealVariable',
          (view, context) => resealVariable(view, context, { namespace, path, before, items }),
          KEYRING,
          [KEYRING, stream],
        );
      }),
    );
    if (outcomes.some((outcome) => outcome?.kind === 'rejected')) throw new Error('the keyring was rotated meanwhile');
    if (outcomes.some((outcome) => outcome?.kind === 'fenced')) this.running = false;
  }
}
