export type { Aggregates, AppendedCommand, Change, Command, CommandMetrics, Commit, Outcome } from './command.js';
export { CHAIN_BEGIN, nextLink, type ChainedCommit } from './chain.js';
export { CommandHandler, type CommandHandlerOptions } from './command-handler.js';
export { BulkWriter, type BulkCommand, type BulkWriterOptions } from './bulk/bulk-writer.js';
export { LogMoved } from './bulk/flush.js';
export { StoreUnavailable } from './errors.js';
export { LeaseHolder } from './lease-holder.js';
export { MemoryEventStore, type MemoryRow } from './memory/memory-event-store.js';
export type {
  Append,
  AppendEvent,
  AppendResult,
  ChainPart,
  EventStore,
  Fence,
  Head,
  Lease,
  Leases,
  PastEvent,
  PastLog,
  PastStream,
  RowWrite,
  StoredState,
} from './port.js';
export type { EventMatch, Found, FoundEvent, LogSearch, Position, Span, Tallies, Tally } from './search.js';
export { endsPart, PART } from './search.js';
export { isDiskFull, isStoreOutage, sqlStateOf } from './postgres/failure.js';
export { impatientPool } from './postgres/impatient-client.js';
export { eventStoreMigrations, migrate, type Migration } from './postgres/migrate.js';
export { PostgresEventStore, type PostgresEventStoreOptions } from './postgres/postgres-event-store.js';
export { verifyChain, type ChainReport } from './verify-chain.js';
export { columnTypes } from './postgres/connection.js';
