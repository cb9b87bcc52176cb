export { byBytes } from './by-bytes.js';
export { ENTITIES, type DocumentRow } from './entities.js';
export { GarbageSource, type Belongings, type GarbagePage } from './garbage.js';
export { ServerDirectory, type ServerEntry } from './server-directory.js';
export { Heartbeats } from './heartbeats.js';
export { WebhookCursors, type WebhookClaim, type WebhookPosition, type WebhookProgress } from './webhook-cursors.js';
export { LockRenewals, type ExpiredLock } from './lock-renewals.js';
export { project, versionKey } from './project.js';
export type { ListQuery } from './list-query.js';
export type { Snapshot, SnapshotQuery, SnapshotRow } from './list-snapshot.js';
export { ReadModels, type JobRow } from './read-models.js';
export { belongs } from './membership.js';
export { isHidden, type Purge } from './remnants.js';
export { FROZEN_COLUMNS, TABLES, type TableName } from './tables.js';
export { Variables, type VariableRow } from './variables.js';
export {
  asOf,
  ListsNotKept,
  PastMoments,
  PastRows,
  PastStates,
  ReadModelsInTime,
  readingAsOf,
  StatesInTime,
  VariablesInTime,
} from './past/index.js';
export { aggregates, MIGRATIONS, tablesOf } from './wiring.js';
export {
  NotNow,
  rebuild,
  Unfoldable,
  verify,
  type RebuildableTable,
  type Rebuilt,
  type Verified,
} from './rebuild/index.js';
export { streamsRelatedTo } from './related-streams.js';
