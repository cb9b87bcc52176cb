import { BulkWriter, LogMoved, migrate, PostgresEventStore } from '@app/event-store';
import { StartupError } from '@app/platform';
import { aggregates, FROZEN_COLUMNS, MIGRATIONS } from '@app/read-models';
import { withClient, withDatabase } from '../database.js';
import { Progress } from '../progress.js';
import { writeHistory, type HistorySize } from './history.js';

export interface GenerateOptions extends HistorySize {
  readonly seed: number;
  readonly until: Date;
  /** Also into a ledger that has something. */
  readonly add?: true;
}

const SHOWN_EACH_MS = 1_000;
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** `ops generate`: a history of the given size; progress on standard error. @throws StartupError for a ledger that is not empty, or that somebody else writes to */
export async function runGenerate(options: GenerateOptions): Promise<void> {
  if (options.jobs > options.deployments || (options.allocs > 0 && Math.min(options.jobs, options.nodes) === 0))
    throw new StartupError('a job has one deployment at least, and allocations need a job and a node.');
  await withDatabase(
    async (url) => {
      await migrate(url, MIGRATIONS);
      const store = new PostgresEventStore({ url, poolSize: 1 });
      try {
        const { index } = await store.readHead();
        if (index > 0 && options.add === undefined)
          throw new StartupError('the ledger is not empty; with --add the history is written behind what it has.');
        await generate(url, store, options);
      } finally {
        await store.close();
      }
    },
    { create: true },
  );
}

async function generate(url: string, store: PostgresEventStore, options: GenerateOptions): Promise<void> {
  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 100) / 10;
  const progress = new Progress(process.stderr);
  let shownAt = -Infinity;
  const writer = await BulkWriter.open({ url, store, aggregates, frozen: FROZEN_COLUMNS });
  try {
    await writeHistory(writer, {
      ...options,
      until: options.until.getTime() * 1000,
      onProgress: ({ commits, jobs }) => {
        if (performance.now() - shownAt < SHOWN_EACH_MS) return;
        shownAt = performance.now();
        progress.show(`${jobs} of ${options.jobs} jobs, ${commits} commits, ${seconds()} s`);
      },
    });
    progress.end();
  } catch (error) {
    progress.end();
    if (error instanceof LogMoved)
      throw new StartupError(`${error.message}: end all servers of this ledger first.`, 1, { cause: error });
    throw error;
  } finally {
    await writer.close();
  }
  print(await summary(url, options, seconds()));
}

/** What was written; the planner learns of it, too. */
const summary = (url: string, { allocs, deployments, jobs, nodes }: HistorySize, seconds: number): Promise<string> =>
  withClient(url, async (client) => {
    await client.query('ANALYZE');
    const { rows } = await client.query<{ index: string; bytes: string }>(
      'SELECT index::text, pg_database_size(current_database())::text AS bytes FROM log_head',
    );
    const { index, bytes } = rows[0]!;
    const each = allocs === 0 ? '' : `, ${Math.round(Number(bytes) / allocs)} for each allocation`;
    return `${allocs} allocations, ${deployments} deployments, ${jobs} jobs and ${nodes} nodes in ${seconds} s; the ledger is at index ${index} and takes ${bytes} bytes${each}`;
  });
