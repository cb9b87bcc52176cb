import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { KeyringState } from '@app/domain';
import { CommandHandler, migrate, PostgresEventStore } from '@app/event-store';
import { IdentityTokens, Keyring, loadKeyEncryptionKey } from '@app/keyring';
import { KEYRING } from '@app/kernel';
import {
  configured,
  createMetrics,
  networks,
  startTracing,
  StartupError,
  systemClock,
  type Clock,
  type Configuration,
  type Logger,
  type Metrics,
  type Shutdown,
  type Tracing,
} from '@app/platform';
import { AnswerCache, KeptLists, LogTail, NodeNews } from '@app/streaming';
import {
  aggregates,
  Heartbeats,
  LockRenewals,
  MIGRATIONS,
  PastMoments,
  PastRows,
  PastStates,
  ReadModels,
  ReadModelsInTime,
  tablesOf,
  Variables,
  VariablesInTime,
  WebhookCursors,
} from '@app/read-models';
import { allowing, type IsAllowed } from '@app/webhooks';
import type { DataSource } from 'typeorm';
import { dataSourceOn } from './data-source.js';
import { instrument } from './instruments.js';
import { logCommits } from './log-commits.js';
import { traceCommands } from './traces.js';
import { untilAnswered } from './until-answered.js';
import { version } from './version.js';

/** Answers of single objects and pages. */
const CACHE_BYTES = 64 * 1024 * 1024;
/** Whole lists. */
const LISTS_BYTES = 192 * 1024 * 1024;
/** Tells two processes of one name apart: leases are theirs by it. */
const INSTANCE_BYTES = 4;

/** What every role of the server stands on. */
export interface Core {
  readonly instance: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Undefined: requests are not traced. */
  readonly tracing: Tracing | undefined;
  readonly watchLease: ReturnType<typeof instrument>['watchLease'];
  readonly store: PostgresEventStore;
  readonly dataSource: DataSource;
  readonly handler: CommandHandler;
  readonly tail: LogTail;
  readonly readModels: ReadModels;
  readonly heartbeats: Heartbeats;
  readonly variables: Variables;
  readonly renewals: LockRenewals;
  readonly keyring: Keyring;
  readonly webhookCursors: WebhookCursors;
  readonly webhookAddresses: IsAllowed;
  readonly identities: IdentityTokens;
  readonly oidcIssuer: string;
  readonly cache: AnswerCache;
  readonly lists: KeptLists;
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
  const instance = `${configuration.nodeName ?? hostname()}/${process.pid}/${randomBytes(INSTANCE_BYTES).toString('hex')}`;
  const metrics = createMetrics();
  const tracing = await startTracing(configuration, { instance, version: version() }, log);
  shutdown.on('pools', 'spans', () => tracing?.close());
  const clock = systemClock();
  const store = new PostgresEventStore({
    url: databaseUrl,
    poolSize: configuration.databasePoolSize,
    onUpkeepFailed: (err) => log.warn({ err }, 'the log cannot be looked after; trying again later'),
  });
  const dataSource = dataSourceOn(databaseUrl, configuration.databasePoolSize);
  await whenAnswered(() => dataSource.initialize());
  const { commandMetrics, watch, watchLease } = instrument(metrics);
  const handler = new CommandHandler({
    store,
    aggregates,
    clock: clock.now,
    metrics: commandMetrics,
    onTraced: tracing && traceCommands(tracing),
  });
  logCommits(handler, log);
  const tail = new LogTail({
    store,
    handler,
    tablesOf,
    onError: (err) => log.warn({ err }, 'the log cannot be read; trying again'),
  });
  await whenAnswered(() => tail.start());
  const keyring = await startKeyring(configuration, store, tail, log);
  const oidcIssuer = configuration.oidcIssuer ?? '';
  const cache = new AnswerCache(tail, tablesOf, CACHE_BYTES);
  const past = new PastRows(dataSource, new PastStates(store), new PastMoments(store));
  const readModels = new ReadModelsInTime(dataSource, past);
  const lists = new KeptLists({ tail, readModels, store }, LISTS_BYTES);
  watch(tail, cache, lists);
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
    tracing,
    watchLease,
    store,
    dataSource,
    handler,
    tail,
    readModels,
    news: new NodeNews(tail, readModels, (err) => log.warn({ err }, 'news for nodes cannot be read; trying again')),
    heartbeats: new Heartbeats(dataSource),
    variables: new VariablesInTime(dataSource, past),
    renewals: new LockRenewals(dataSource),
    keyring,
    webhookCursors: new WebhookCursors(dataSource),
    webhookAddresses: allowing(networks(configuration.webhookAllowPrivate)),
    identities: new IdentityTokens(keyring, oidcIssuer, clock.now),
    oidcIssuer,
    cache,
    lists,
  };
}

/** The keyring as this instance can open it. One that it cannot is told of: everything but variables and identities is served all the same. */
async function startKeyring(
  { key: text, keyFile: file, dataDir }: Configuration,
  store: PostgresEventStore,
  tail: LogTail,
  log: Logger,
): Promise<Keyring> {
  const kek = configured(() => loadKeyEncryptionKey({ text, file, dataDir }));
  if (kek.isNew)
    log.info(
      { key: kek.fingerprint },
      `a key encryption key was made: keep a copy of ${kek.origin} apart from the database`,
    );
  const keyring = new Keyring(kek, async () => {
    const stored = (await store.load([KEYRING])).get(KEYRING);
    return stored === undefined ? undefined : (JSON.parse(stored.state) as KeyringState);
  });
  tail.onCommit(({ changes }) => {
    if (changes.some(({ stream }) => stream === KEYRING)) keyring.forget();
  });
  const problem = await untilAnswered('Postgres', log, () => keyring.problem());
  if (problem !== undefined)
    log.error(
      { key: kek.fingerprint, origin: kek.origin },
      `variables and workload identities cannot be served here: ${problem}. Give every server of this database the key of the one that made the keyring (ROLLBOOK_KEY_FILE), and start this one again`,
    );
  return keyring;
}
