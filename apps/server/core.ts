import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { CommandHandler, impatientPool, migrate, PostgresEventStore } from '@app/event-store';
import {
  createMetrics,
  StartupError,
  systemClock,
  type Clock,
  type Configuration,
  type Logger,
  type Metrics,
  type Shutdown,
} from '@app/platform';
import { aggregates, ENTITIES, Heartbeats, MIGRATIONS, ReadModels, tablesOf } from '@app/read-models';
import { AnswerCache, LogTail, NodeNews } from '@app/streaming';
import { DataSource } from 'typeorm';
import { instrument } from './instruments.js';
import { untilAnswered } from './until-answered.js';

const CACHE_BYTES = 256 * 1024 * 1024;
/** Tells two processes of one name apart: leases are theirs by it. */
const INSTANCE_BYTES = 4;

/** What every role of the server stands on. */
export interface Core {
  readonly instance: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly watchLease: ReturnType<typeof instrument>['watchLease'];
  readonly store: PostgresEventStore;
  readonly dataSource: DataSource;
  readonly handler: CommandHandler;
  readonly tail: LogTail;
  readonly readModels: ReadModels;
  readonly heartbeats: Heartbeats;
  readonly cache: AnswerCache;
  readonly news: NodeNews;
}

/** Migrates, connects, and follows the log from its present head. Waits for a database that does not answer yet. */
export async function startCore(
  configuration: Configuration,
  databaseUrl: string,
  log: Logger,
  shutdown: Shutdown,
): Promise<Core> {
  const whenAnswered = <T>(step: () => Promise<T>): Promise<T> => untilAnswered('Postgres', log, step);
  await whenAnswered(() => migrate(databaseUrl, MIGRATIONS)).catch((error: unknown) => {
    throw new StartupError(`the database cannot be used: ${(error as Error).message}`, 1, { cause: error });
  });
  const metrics = createMetrics();
  const clock = systemClock();
  const store = new PostgresEventStore({ url: databaseUrl, poolSize: configuration.databasePoolSize });
  const dataSource = new DataSource({
    type: 'postgres',
    url: databaseUrl,
    entities: [...ENTITIES],
    poolSize: configuration.databasePoolSize,
    extra: impatientPool,
    // A connection that is lost is replaced when it is needed.
    poolErrorHandler: () => undefined,
  });
  await whenAnswered(() => dataSource.initialize());
  const { commandMetrics, watch, watchLease } = instrument(metrics);
  const handler = new CommandHandler({ store, aggregates, clock: clock.now, metrics: commandMetrics });
  const tail = new LogTail({
    store,
    handler,
    tablesOf,
    onError: (err) => log.warn({ err }, 'the log cannot be read; trying again'),
  });
  await whenAnswered(() => tail.start());
  const instance = `${configuration.nodeName ?? hostname()}/${process.pid}/${randomBytes(INSTANCE_BYTES).toString('hex')}`;
  const cache = new AnswerCache(tail, tablesOf, CACHE_BYTES);
  const readModels = new ReadModels(dataSource);
  watch(tail, cache);
  shutdown.on('pools', 'database', async () => {
    await dataSource.destroy();
    await store.close();
  });
  shutdown.on('checkpoint', 'log tail', () => tail.close());
  shutdown.on('drain', 'commands', () => handler.close());
  return {
    instance,
    clock,
    metrics,
    watchLease,
    store,
    dataSource,
    handler,
    tail,
    readModels,
    news: new NodeNews(tail, readModels, (err) => log.warn({ err }, 'news for nodes cannot be read; trying again')),
    heartbeats: new Heartbeats(dataSource),
    cache,
  };
}
