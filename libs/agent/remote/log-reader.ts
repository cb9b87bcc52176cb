import { constants } from 'node:fs';
import { lstat, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A piece of a file; an empty one is a heartbeat. */
export interface Piece {
  readonly file: string;
  readonly data: Buffer;
  /** Behind the data. */
  readonly offset: number;
  readonly event?: 'file deleted' | 'file truncated';
}

/** A pipe that a task has left is not waited for. */
const UNAWAITED = constants.O_RDONLY | constants.O_NONBLOCK;
const UNFOLLOWED = UNAWAITED | constants.O_NOFOLLOW;
const PIECE_BYTES = 64 * 1024;
const LOOK_MS = 200;
const HEARTBEAT_MS = 1000;

export interface Reading {
  readonly offset: number;
  readonly origin: 'start' | 'end';
  readonly follow: boolean;
  /** 0: to the end. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Where reading begins: offsets beyond either end are clamped. */
const beginOf = (size: number, { offset, origin }: Reading): number =>
  Math.min(size, Math.max(0, origin === 'end' || offset < 0 ? size - Math.abs(offset) : offset));

/** Reads a file to its end, and on as it grows where it is followed. `shown` is the name that pieces carry. */
export async function* readFileFrom(path: string, shown: string, reading: Reading): AsyncGenerator<Piece> {
  const { size } = await stat(path);
  let at = beginOf(size, reading);
  let left = reading.limit > 0 ? reading.limit : Infinity;
  let lastWord = performance.now();
  while (!reading.signal.aborted) {
    for await (const data of piecesOf(path, at, left)) {
      at += data.length;
      left -= data.length;
      lastWord = performance.now();
      yield { file: shown, data, offset: at };
    }
    if (!reading.follow || left <= 0) return;
    await pause(LOOK_MS, reading.signal);
    const now = await stat(path).catch(() => undefined);
    if (now === undefined) return yield { file: shown, data: NOTHING, offset: at, event: 'file deleted' };
    if (now.size < at) {
      at = 0;
      yield { file: shown, data: NOTHING, offset: 0, event: 'file truncated' };
    }
    if (performance.now() - lastWord >= HEARTBEAT_MS) {
      lastWord = performance.now();
      yield HEARTBEAT;
    }
  }
}

/** Reads the log of a task over all its files, oldest first, and goes on with the next one where it is followed. */
export async function* readLogs(folder: string, prefix: string, reading: Reading): AsyncGenerator<Piece> {
  let files = await logFiles(folder, prefix);
  const total = files.reduce((sum, file) => sum + file.size, 0);
  let skip = beginOf(total, reading);
  let number = files[0]?.number ?? 0;
  for (const file of files) {
    number = file.number;
    if (skip < file.size || file === files.at(-1)) break;
    skip -= file.size;
  }
  let at = skip;
  let lastWord = performance.now();
  while (!reading.signal.aborted) {
    const path = join(folder, `${prefix}${number}`);
    const shown = `alloc/logs/${prefix}${number}`;
    for await (const data of piecesOf(path, at, Infinity, UNFOLLOWED)) {
      at += data.length;
      lastWord = performance.now();
      yield { file: shown, data, offset: at };
    }
    files = await logFiles(folder, prefix);
    const next = files.find((file) => file.number > number);
    if (next !== undefined) {
      // What was written between the last look at this file and the beginning of the next.
      for await (const data of piecesOf(path, at, Infinity, UNFOLLOWED))
        yield { file: shown, data, offset: (at += data.length) };
      number = next.number;
      at = 0;
      continue;
    }
    if (!reading.follow) return;
    await pause(LOOK_MS, reading.signal);
    if (performance.now() - lastWord >= HEARTBEAT_MS) {
      lastWord = performance.now();
      yield HEARTBEAT;
    }
  }
}

/** The files of a log by their numbers. The task may write to their folder: what is no file of its own is not one of them. */
export async function logFiles(folder: string, prefix: string): Promise<{ number: number; size: number }[]> {
  const names = await readdir(folder).catch((): string[] => []);
  const numbers = names
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((a, b) => a - b);
  const files = await Promise.all(
    numbers.map(async (number) => {
      const stats = await lstat(join(folder, `${prefix}${number}`)).catch(() => undefined);
      return stats?.isFile() ? { number, size: stats.size } : undefined;
    }),
  );
  return files.filter((file) => file !== undefined);
}

const NOTHING = Buffer.alloc(0);
const HEARTBEAT: Piece = { file: '', data: NOTHING, offset: 0 };

async function* piecesOf(path: string, from: number, most: number, flags = UNAWAITED): AsyncGenerator<Buffer> {
  const handle = await open(path, flags).catch(() => undefined);
  if (handle === undefined) return;
  try {
    for (let at = from, left = most; left > 0;) {
      const { buffer, bytesRead } = await handle.read(
        Buffer.allocUnsafe(Math.min(PIECE_BYTES, left)),
        0,
        undefined,
        at,
      );
      if (bytesRead === 0) return;
      at += bytesRead;
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
