import { isStoreOutage, PostgresEventStore } from '@app/event-store';
import { currentCount, currentValue, type Configuration, type Logger, type Shutdown } from '@app/platform';
import { ReadModels, tablesOf } from '@app/read-models';
import { AnswerCache, KeptLists, LogTail, Replica, type ReplicaConnection } from '@app/streaming';
import type { Core } from './core.js';
import { dataSourceOn } from './data-source.js';

const CACHE_BYTES = 32 * 1024 * 1024;
const LISTS_BYTES = 96 * 1024 * 1024;
const MS_PER_S = 1_000;
/** The database serves as well: nobody waits long for a replica. */
const DEADLINE_MS = 2_000;

/** Follows the replica of the configuration, if there is one, and serves stale reads from it while it can. */
export function startReplica(
  { databaseReplicaUrl: url, databasePoolSize: poolSize }: Configuration,
  { store, tail, metrics }: Core,
  log: Logger,
  shutdown: Shutdown,
): Replica | undefined {
  if (url === undefined) return undefined;
  const replica = new Replica({
    connect: () => connect(url, poolSize, log),
    primary: tail,
    readHead: () => store.readHead(),
    onChange(problem) {
      if (problem === undefined) log.info('stale reads are served from the replica');
      else log.warn({ err: problem }, 'the replica cannot be read from; the database serves stale reads, too');
    },
  });
  currentValue(metrics, 'rollbook_replica_serving', () => (replica.isServing ? 1 : 0));
  currentValue(metrics, 'rollbook_replica_age_seconds', () => replica.ageMs && replica.ageMs / MS_PER_S);
  currentCount(metrics, 'rollbook_replica_reads_total', () => replica.reads);
  currentCount(metrics, 'rollbook_replica_fallbacks_total', () => replica.fallbacks);
  replica.start();
  shutdown.on('checkpoint', 'replica', () => replica.close());
  return replica;
}

async function connect(url: string, poolSize: number, log: Logger): Promise<ReplicaConnection> {
  const store = new PostgresEventStore({ url, poolSize, deadlineMs: DEADLINE_MS, isStandby: true });
  const dataSource = dataSourceOn(url, poolSize);
  const tail = new LogTail({
    store,
    handler: NOBODY_WRITES,
    tablesOf,
    // The replica is looked at anyway: what is an outage there is told once.
    onError: (err) => void (isStoreOutage(err) || log.warn({ err }, 'the log cannot be read from the replica')),
  });
  const close = async (): Promise<void> => {
    await tail.close();
    if (dataSource.isInitialized) await dataSource.destroy();
    await store.close();
  };
  try {
    await dataSource.initialize();
    await tail.start();
  } catch (error) {
    await close();
    throw error;
  }
  const readModels = new ReadModels(dataSource);
  return {
    side: {
      tail,
      cache: new AnswerCache(tail, tablesOf, CACHE_BYTES),
      lists: new KeptLists({ tail, readModels, store }, LISTS_BYTES),
      readModels,
      states: store,
    },
    readHead: () => store.readHead(),
    close,
  };
}

/** Nothing is decided on a replica. */
const NOBODY_WRITES = { onCommitted: () => () => undefined, invalidate: () => undefined };
