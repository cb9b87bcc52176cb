import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { open, seal } from './aead.js';

const KEY_BYTES = 32;
const FILE = 'key-encryption.key';
const FINGERPRINT_CHARACTERS = 16;
const FORMAT = 'k1';

/** Where the key encryption key comes from; the first that is given counts. */
export interface KeySource {
  /** 32 bytes as base64 or hexadecimal digits. */
  readonly text?: string | undefined;
  /** A file that holds them, or the bytes themselves. */
  readonly file?: string | undefined;
  /** Where one is kept that is made on the first start. */
  readonly dataDir: string;
}

/** Encrypts root keys. It never leaves the servers' configuration: not in the log, not in Postgres, not in a message. */
export class KeyEncryptionKey {
  /** Tells two keys apart without telling anything of them. */
  readonly fingerprint: string;
  readonly #key: Buffer;

  constructor(
    key: Buffer,
    /** In words, for messages: `the file /etc/rollbook.key`. */
    readonly origin: string,
    /** It was made by this very start. */
    readonly isNew = false,
  ) {
    this.#key = key;
    this.fingerprint = createHmac('sha256', key)
      .update('rollbook key encryption key')
      .digest('hex')
      .slice(0, FINGERPRINT_CHARACTERS);
  }

  /** @param context what the text is; it opens as nothing else. */
  wrap(text: string, context: string): string {
    return `${FORMAT}.${this.fingerprint}.${seal(this.#key, text, context)}`;
  }

  /** @throws Error if it was wrapped by another key, or is not what `context` says. */
  unwrap(wrapped: string, context: string): string {
    const [format, fingerprint, ...sealed] = wrapped.split('.');
    if (format !== FORMAT) throw new Error(`a wrapped key has the unknown format ${JSON.stringify(format)}`);
    if (fingerprint !== this.fingerprint)
      throw new Error(
        `it was encrypted by the key encryption key ${fingerprint}, and this server has ${this.fingerprint}`,
      );
    return open(this.#key, sealed.join('.'), context);
  }

  /** A digest of data that nobody without the key can try values against. */
  digest(data: Buffer): string {
    return createHmac('sha256', this.#key).update(data).digest('hex');
  }
}

/** @throws Error with a sentence for the user if what is given is not a key or cannot be read. */
export function loadKeyEncryptionKey({ text, file, dataDir }: KeySource): KeyEncryptionKey {
  if (text !== undefined)
    return new KeyEncryptionKey(keyOf(Buffer.from(text), 'ROLLBOOK_KEY'), 'the environment variable ROLLBOOK_KEY');
  if (file !== undefined)
    return new KeyEncryptionKey(keyOf(readKeyFile(file), `the file ${file} (ROLLBOOK_KEY_FILE)`), `the file ${file}`);
  return generatedKey(join(dataDir, FILE));
}

function readKeyFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`the file ${file} (ROLLBOOK_KEY_FILE) cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** 32 bytes, as they are or in one of two spellings. */
function keyOf(content: Buffer, source: string): Buffer {
  if (content.length === KEY_BYTES) return content;
  const text = content.toString('latin1').trim();
  const hex = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : undefined;
  const base64 = /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  const key = hex ?? base64;
  if (key?.length !== KEY_BYTES)
    throw new Error(
      `${source} must hold 32 bytes, as base64 (43 or 44 characters) or hexadecimal digits (64); make one with: openssl rand -base64 32`,
    );
  return key;
}

/** The key of a data directory. Of two processes that make one at once, one wins and both take that. */
function generatedKey(path: string): KeyEncryptionKey {
  const present = readIfThere(path);
  if (present !== undefined) return new KeyEncryptionKey(keyOf(present, `the file ${path}`), `the file ${path}`);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  let isNew = true;
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    isNew = false;
  } finally {
    rmSync(draft, { force: true });
  }
  return new KeyEncryptionKey(keyOf(readFileSync(path), `the file ${path}`), `the file ${path}`, isNew);
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
