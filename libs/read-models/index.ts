export { ENTITIES, type DocumentRow } from './entities.js';
export { Heartbeats1763800000001 } from './heartbeats.migration.js';
export { Heartbeats } from './heartbeats.js';
export { project, TABLES_OF, versionKey } from './project.js';
export { ReadModels1763800000000 } from './read-models.migration.js';
export { ReadModels, type ListQuery } from './read-models.js';
export { TABLES, type TableName } from './tables.js';
export { aggregates, MIGRATIONS, tablesOf } from './wiring.js';
export { NotNow, rebuild, verify, type RebuildableTable, type Rebuilt, type Verified } from './rebuild/index.js';
