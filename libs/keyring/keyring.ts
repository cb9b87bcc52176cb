import { createPrivateKey, generateKeyPair, randomBytes, randomUUID, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { activeKey, rootKey, type KeyringState, type NewRootKey, type RootKey, type SealedItems } from '@app/domain';
import { LRUCache } from 'lru-cache';
import { open, seal } from './aead.js';
import type { KeyEncryptionKey } from './key-encryption-key.js';

const generate = promisify(generateKeyPair);
const DATA_KEY_BYTES = 32;
const MODULUS_BITS = 2048;
/** Opened keys that are kept. */
const OPENED_KEYS = 100;

/** Names and values of a variable, in the order of their names' bytes. */
export type Items = ReadonlyMap<string, string>;

/** What is asked for needs a key that there is not, or that this server cannot open. The message is a sentence for the client. */
export class KeyringUnavailable extends Error {
  override readonly name = 'KeyringUnavailable';
}

/** A root key with its secrets. */
export interface OpenedKey {
  readonly id: string;
  readonly dataKey: Buffer;
  readonly signingKey: KeyObject;
}

interface Secrets {
  readonly dataKey: string;
  /** PKCS #8, DER, base64. */
  readonly signingKey: string;
}

/**
 * The keys of the cluster as this server can use them: made, opened, and used here and nowhere else. The keyring itself is an aggregate of the log and holds
 * them encrypted by the key encryption key.
 */
export class Keyring {
  readonly #kek: KeyEncryptionKey;
  readonly #load: () => Promise<KeyringState | undefined>;
  readonly #opened = new LRUCache<string, OpenedKey>({ max: OPENED_KEYS });
  #state: Promise<KeyringState | undefined> | undefined;

  /** @param load the state of the keyring as stored now */
  constructor(kek: KeyEncryptionKey, load: () => Promise<KeyringState | undefined>) {
    this.#kek = kek;
    this.#load = load;
  }

  /** The keyring has moved: the state that is kept is not the present one any more. */
  forget(): void {
    this.#state = undefined;
  }

  /** The state as of the last commit that this process has applied. */
  state(): Promise<KeyringState | undefined> {
    if (this.#state !== undefined) return this.#state;
    const loading = this.#load();
    this.#state = loading;
    loading.catch(() => {
      if (this.#state === loading) this.#state = undefined;
    });
    return loading;
  }

  /** Makes a root key: random, and sealed before it is handed out. */
  async newKey(): Promise<NewRootKey> {
    const id = randomUUID();
    const { privateKey, publicKey } = await generate('rsa', { modulusLength: MODULUS_BITS });
    const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
    const secrets: Secrets = {
      dataKey: randomBytes(DATA_KEY_BYTES).toString('base64'),
      signingKey: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    };
    return { id, sealed: this.#kek.wrap(JSON.stringify(secrets), contextOf(id)), publicKey: { n, e } };
  }

  /** Encrypts the items of a variable by the active key. @throws KeyringUnavailable */
  async sealItems(namespace: string, path: string, items: Items): Promise<SealedItems> {
    const { id, dataKey } = await this.active();
    return { keyId: id, sealed: seal(dataKey, JSON.stringify([...items]), itemsContext(id, namespace, path)) };
  }

  /** @throws KeyringUnavailable if the key is gone, Error if it is not what was sealed for this very variable. */
  async openItems(namespace: string, path: string, { keyId, sealed }: SealedItems): Promise<Items> {
    const { dataKey } = await this.key(keyId);
    return new Map(JSON.parse(open(dataKey, sealed, itemsContext(keyId, namespace, path))) as [string, string][]);
  }

  /** Encrypts a secret of the servers' own, by the key encryption key: root keys come and go. @param context what it is; it opens as nothing else */
  sealSecret(secret: string, context: string): string {
    return this.#kek.wrap(secret, context);
  }

  /** @throws KeyringUnavailable if it was encrypted by another key, Error if it is not what `context` says */
  openSecret(sealed: string, context: string): string {
    try {
      return this.#kek.unwrap(sealed, context);
    } catch (error) {
      throw new KeyringUnavailable(`this server cannot open the secret of ${context}: ${(error as Error).message}`);
    }
  }

  /** Stands for a body that holds secrets wherever two of them are compared. */
  digest(data: Buffer): string {
    return this.#kek.digest(data);
  }

  /** The key that encrypts and signs now. @throws KeyringUnavailable */
  async active(): Promise<OpenedKey> {
    const key = activeKey(await this.state());
    if (key === undefined) throw new KeyringUnavailable('keyring has not been initialized yet');
    return this.#open(key);
  }

  /** @throws KeyringUnavailable */
  async key(id: string): Promise<OpenedKey> {
    const key = rootKey(await this.state(), id);
    if (key === undefined) throw new KeyringUnavailable(`root key ${id} is not in the keyring`);
    return this.#open(key);
  }

  /** Why this server cannot open the keys of the cluster, as a sentence for its operator; undefined: it can. */
  async problem(): Promise<string | undefined> {
    const key = activeKey(await this.state());
    if (key === undefined) return undefined;
    try {
      this.#open(key);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  #open({ id, sealed }: RootKey): OpenedKey {
    const kept = this.#opened.get(id);
    if (kept !== undefined) return kept;
    let secrets: Secrets;
    try {
      secrets = JSON.parse(this.#kek.unwrap(sealed, contextOf(id))) as Secrets;
    } catch (error) {
      throw new KeyringUnavailable(
        `this server cannot open root key ${id}: ${(error as Error).message}; servers on one database need the same ROLLBOOK_KEY_FILE`,
      );
    }
    const opened = {
      id,
      dataKey: Buffer.from(secrets.dataKey, 'base64'),
      signingKey: createPrivateKey({ key: Buffer.from(secrets.signingKey, 'base64'), format: 'der', type: 'pkcs8' }),
    };
    this.#opened.set(id, opened);
    return opened;
  }
}

const contextOf = (id: string): string => `root key ${id}`;
const itemsContext = (keyId: string, namespace: string, path: string): string =>
  `variable ${keyId} ${namespace}/${path}`;
