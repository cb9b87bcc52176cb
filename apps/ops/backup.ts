import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { migrate } from '@app/event-store';
import { StartupError } from '@app/platform';
import { MIGRATIONS } from '@app/read-models';
import type { Client } from 'pg';
import { withClient, withDatabase, withLog } from './database.js';
import { runRebuild } from './log-commands.js';

// A backup is a directory: parts of the log, each NDJSON compressed by zstd, and a manifest that is written last and names each part's hash. The
// log never changes, so no long snapshot holds the servers up; all tables are made anew from it.

const FORMAT = 'rollbook backup 1';
const MANIFEST = 'manifest.json';
const PART_EVENTS = 20_000;
const PRIVATE = { mode: 0o600, flag: 'wx' } as const;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A row of the log: texts and large numbers as the database has them, byte for byte. */
interface Row {
  readonly index: string;
  readonly seq: number;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly schema: number;
  readonly data: string;
  readonly meta: string;
  /** Microseconds since 1970. */
  readonly time: string;
  /** The link of the chain that stands with the first event of a commit, in hexadecimal digits. */
  readonly chain: string | null;
}

interface Manifest {
  readonly format: typeof FORMAT;
  readonly storeEpoch: string;
  readonly head: string;
  readonly chain: string;
  readonly chainFrom: string;
  /** The last migration of the database: a release that does not know it cannot restore this. */
  readonly schema: string;
  readonly events: number;
  readonly parts: readonly { readonly file: string; readonly events: number; readonly sha256: string }[];
}

const HEAD = `SELECT h.index::text AS head, h.store_epoch::text AS "storeEpoch", encode(h.chain, 'hex') AS chain,
  h.chain_from::text AS "chainFrom", (SELECT name FROM schema_migration ORDER BY timestamp DESC LIMIT 1) AS schema FROM log_head h`;
// The order is the numbers', not that of the texts that are selected.
const PAGE = `SELECT index::text, seq, stream, version, type, schema, data::text, meta::text, encode(chain, 'hex') AS chain,
  round(extract(epoch FROM recorded_at) * 1000000)::bigint::text AS time
  FROM event e WHERE (e.index, e.seq) > ($1::bigint, $2::int) AND e.index <= $3::bigint ORDER BY e.index, e.seq LIMIT $4`;
const INSERT = `INSERT INTO event (index, seq, stream, version, type, schema, data, meta, recorded_at, chain)
  SELECT (e->>'index')::bigint, (e->>'seq')::int, e->>'stream', (e->>'version')::int, e->>'type', (e->>'schema')::int, (e->>'data')::json,
    (e->>'meta')::json, timestamptz 'epoch' + (e->>'time')::bigint * interval '1 microsecond', decode(e->>'chain', 'hex')
  FROM unnest($1::json[]) AS e`;

/** `ops backup --to DIRECTORY`: the log up to its present head; servers may be running. @throws StartupError for a directory that is not empty */
export async function runBackup(directory: string, partEvents = PART_EVENTS): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if ((await readdir(directory)).length > 0)
    throw new StartupError(`${resolve(directory)} is not empty: each backup has a directory of its own.`);
  await withLog((url) =>
    withClient(url, async (client) => {
      const { rows: heads } = await client.query<Omit<Manifest, 'format' | 'events' | 'parts'>>(HEAD);
      const { head } = heads[0]!;
      const parts: Manifest['parts'][number][] = [];
      for (let last = { index: '0', seq: -1 }; ;) {
        const { rows } = await client.query<Row>(PAGE, [last.index, last.seq, head, partEvents]);
        if (rows.length === 0) break;
        const bytes = await compress(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
        const file = `events-${String(parts.length + 1).padStart(6, '0')}.ndjson.zst`;
        await writeFile(join(directory, file), bytes, PRIVATE);
        sync(join(directory, file));
        parts.push({ file, events: rows.length, sha256: sha256(bytes) });
        last = rows.at(-1)!;
      }
      const events = parts.reduce((sum, part) => sum + part.events, 0);
      const manifest: Manifest = { format: FORMAT, ...heads[0]!, events, parts };
      const draft = join(directory, `${MANIFEST}.new`);
      await writeFile(draft, `${JSON.stringify(manifest, undefined, 2)}\n`, PRIVATE);
      sync(draft);
      await rename(draft, join(directory, MANIFEST));
      sync(directory);
      print(
        `${events} events up to index ${head} in ${parts.length} parts, sealed in ${join(resolve(directory), MANIFEST)}`,
      );
    }),
  );
}

/** What was written, or renamed, is on the disk. */
function sync(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}

/**
 * `ops restore --from DIRECTORY`: fills an empty database with the log, as another history, and makes all tables from it. Nothing is written
 * before every part is found to be what the manifest says. @throws StartupError
 */
export async function runRestore(directory: string): Promise<void> {
  const manifest = await readManifest(directory);
  for (const part of manifest.parts) await readPart(directory, part);
  await withDatabase(
    async (url) => {
      await migrate(url, MIGRATIONS);
      await withClient(url, (client) => fill(client, directory, manifest));
      print(`${manifest.events} events up to index ${manifest.head} restored; making the tables`);
    },
    { create: true },
  );
  await runRebuild([], { wereThere: false });
  print(
    'restored under a new epoch: servers may start; `ops verify` compares, `ops verify --chain` follows the hashes',
  );
}

async function fill(client: Client, directory: string, manifest: Manifest): Promise<void> {
  await client.query('BEGIN');
  const { rows } = await client.query<{ isEmpty: boolean }>(
    'SELECT index = 0 AND NOT EXISTS (SELECT FROM event) AS "isEmpty" FROM log_head FOR UPDATE',
  );
  if (rows[0]?.isEmpty !== true) throw new StartupError('the database is not empty; restore into a new one.');
  // As far ahead as the log's own upkeep keeps them.
  await client.query('SELECT ensure_event_partitions($1::bigint + 5000000)', [manifest.head]);
  for (const part of manifest.parts) await client.query(INSERT, [await readPart(directory, part)]);
  await client.query(
    `UPDATE log_head SET index = $1, chain = decode($2, 'hex'), chain_from = $3, store_epoch = gen_random_uuid()`,
    [manifest.head, manifest.chain, manifest.chainFrom],
  );
  const { rows: counted } = await client.query<{ events: number }>('SELECT count(*)::float8 AS events FROM event');
  if (counted[0]?.events !== manifest.events)
    throw new StartupError('the parts have other events than the manifest says.');
  await client.query('COMMIT');
}

async function readManifest(directory: string): Promise<Manifest> {
  const file = join(directory, MANIFEST);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new StartupError(`${file} cannot be read: this is no backup, or one that was not finished.`, 1, {
      cause: error,
    });
  });
  const isManifest = (value: unknown): value is Manifest =>
    (value as Manifest | null)?.format === FORMAT && Array.isArray((value as Manifest).parts);
  const manifest = parsed(text, file);
  if (!isManifest(manifest)) throw new StartupError(`${file} is not of a backup that this release can read.`);
  if (manifest.parts.some(({ file: name }) => !/^events-\d{6}\.ndjson\.zst$/.test(name)))
    throw new StartupError(`${file} names parts that no backup has.`);
  const known = MIGRATIONS.map((Migration) => new Migration().name ?? Migration.name);
  if (!known.includes(manifest.schema))
    throw new StartupError('the backup is of a newer release; restore it with that one.');
  return manifest;
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StartupError(`${file} is damaged.`, 1, { cause: error });
  }
}

/** The lines of a part. @throws StartupError when they are not those that were backed up */
async function readPart(
  directory: string,
  { file, events, sha256: wanted }: Manifest['parts'][number],
): Promise<string[]> {
  const path = join(directory, file);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new StartupError(`${path} is missing.`, 1, { cause: error });
  });
  if (sha256(bytes) !== wanted) throw new StartupError(`${path} is damaged: its hash is not the one of the manifest.`);
  const lines = (await decompress(bytes)).toString('utf8').trimEnd().split('\n');
  if (lines.length !== events) throw new StartupError(`${path} has ${lines.length} events instead of ${events}.`);
  return lines;
}

/** `ops new-epoch`: says that what follows is another history, after a database was brought back by other means to an earlier point. */
export const runNewEpoch = (): Promise<void> =>
  withLog((url) =>
    withClient(url, async (client) => {
      await client.query('BEGIN');
      const { rows } = await client.query<{ epoch: string; index: string }>(
        'UPDATE log_head SET store_epoch = gen_random_uuid() RETURNING store_epoch::text AS epoch, index::text',
      );
      // Answers to commands that no longer happened.
      await client.query('DELETE FROM command_key');
      await client.query('COMMIT');
      print(`epoch ${rows[0]!.epoch} begins after index ${rows[0]!.index}; start the servers now`);
    }),
  );
