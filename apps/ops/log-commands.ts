import { publicData } from '@app/domain';
import { migrate, PostgresEventStore, verifyChain } from '@app/event-store';
import type { Json, Index } from '@app/kernel';
import { StartupError } from '@app/platform';
import {
  aggregates,
  MIGRATIONS,
  NotNow,
  rebuild,
  TABLES,
  Unfoldable,
  verify,
  type RebuildableTable,
} from '@app/read-models';
import { withDatabase, withLog } from './database.js';

const PAGE_EVENTS = 1_000;
const REBUILDABLE: readonly RebuildableTable[] = [...TABLES.map(({ table }) => table), 'stream'];

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** `ops migrate` */
export const runMigrate = (): Promise<void> =>
  withDatabase(
    async (url) => {
      await migrate(url, MIGRATIONS).catch((error: unknown) => {
        throw new StartupError(`the database cannot be migrated: ${(error as Error).message}`, 1, { cause: error });
      });
      print('the database is up to date');
    },
    { create: true },
  );

/** `ops verify`: a line for each difference, then the counts; the exit code tells whether there were any. */
export const runVerify = (): Promise<void> =>
  withLog(async (url) => {
    const { streams, rows, differences } = await verify({ url, aggregates, onDifference: print }).catch(explain);
    print(`${streams} streams, ${rows} rows verified, ${differences} differences`);
    if (differences > 0) process.exitCode = 1;
  });

/** `ops verify --chain`: a line for each fault, then where the chain ends; the exit code tells whether there were any. */
export const runVerifyChain = (noted: ReadonlyMap<Index, string>): Promise<void> =>
  withLog(async (url) => {
    const store = new PostgresEventStore({ url, poolSize: 1 });
    try {
      const { from, commits, index, chain, faults } = await verifyChain(store, print, noted);
      if (from > 1) print(`commits before ${from} are of an earlier release and not part of the chain`);
      print(`${commits} commits verified, ${faults} faults; the chain ends with ${index}:${chain}`);
      if (faults > 0) process.exitCode = 1;
    } finally {
      await store.close();
    }
  });

/** `ops rebuild [table…]` */
export async function runRebuild(names: readonly string[], { wereThere = true } = {}): Promise<void> {
  const unknown = names.find((name) => !REBUILDABLE.some((table) => table === name));
  if (unknown !== undefined) {
    throw new StartupError(`there is no table ${unknown} to rebuild; the tables are ${REBUILDABLE.join(', ')}.`);
  }
  const tables = names.length === 0 ? REBUILDABLE : REBUILDABLE.filter((table) => names.includes(table));
  await withLog(async (url) => {
    const rebuilt = await rebuild({ url, aggregates, tables, onProgress: print }).catch(explain);
    if (!wereThere) return;
    for (const { table, differences, examples } of rebuilt.filter((one) => one.differences > 0)) {
      const which = examples.length < differences ? `${examples.join(', ')} …` : examples.join(', ');
      print(`${table}: ${differences} rows are not what they were: ${which}`);
    }
  });
}

/** `ops export`: the log as NDJSON, from one index to another, both included. */
export const runExport = ({ from, to }: { readonly from: Index; readonly to: Index }): Promise<void> =>
  withLog(async (url) => {
    const store = new PostgresEventStore({ url, poolSize: 1 });
    let failure: NodeJS.ErrnoException | undefined;
    const failed = new Promise<void>((resolve) => {
      process.stdout.once('error', (error) => {
        failure = error;
        resolve();
      });
    });
    try {
      for (let after = from - 1; after < to && failure === undefined;) {
        const page = await store.readAfter(after, PAGE_EVENTS);
        const text = page
          .filter(({ index }) => index <= to)
          .map(({ chain, ...event }) => {
            const data = publicData(event.type, event.data as Json);
            return `${JSON.stringify({ ...event, data, ...(chain && { chain }) })}\n`;
          });
        if (text.length > 0 && !process.stdout.write(text.join(''))) {
          await Promise.race([new Promise<void>((resolve) => process.stdout.once('drain', resolve)), failed]);
        }
        after = page.at(-1)?.index ?? to;
      }
      // Whoever reads may have seen enough: `ops export | head`.
      if (failure !== undefined && failure.code !== 'EPIPE') throw failure;
    } finally {
      await store.close();
    }
  });

function explain(error: unknown): never {
  throw error instanceof NotNow || error instanceof Unfoldable ? new StartupError(`${error.message}.`) : error;
}
