import { evolve, schemaOf, type AggregateState } from '@app/domain';
import { eventStoreMigrations, type Aggregates } from '@app/event-store';
import { streamType, type DomainEvent, type Fact, type StreamName } from '@app/kernel';
import { Acl1764338400000 } from './acl.migration.js';
import { AclLogin1764345600000 } from './acl-login.migration.js';
import { Gone1764363600001 } from './gone.migration.js';
import { Heartbeats1763800000001 } from './heartbeats.migration.js';
import { JobPurges1764342000000 } from './job-purges.migration.js';
import { Places1764300000000 } from './places.migration.js';
import { PagesOfNamespaces1764349200000 } from './pages-of-namespaces.migration.js';
import { project, TABLES_OF } from './project.js';
import { ReadModels1763800000000 } from './read-models.migration.js';
import { ScalingPolicies1764334800000 } from './scaling-policies.migration.js';
import { ServerDirectory1764310000000 } from './server-directory.migration.js';
import { Services1764331200000 } from './services.migration.js';
import { Variables1764327600000 } from './variables.migration.js';
import { WebhookCursors1764363720000 } from './webhook-cursors.migration.js';

/** Every migration of the product, oldest first. */
export const MIGRATIONS = [
  ...eventStoreMigrations,
  ReadModels1763800000000,
  Heartbeats1763800000001,
  Places1764300000000,
  ServerDirectory1764310000000,
  Variables1764327600000,
  Services1764331200000,
  ScalingPolicies1764334800000,
  Acl1764338400000,
  JobPurges1764342000000,
  AclLogin1764345600000,
  PagesOfNamespaces1764349200000,
  Gone1764363600001,
  WebhookCursors1764363720000,
];

/** The aggregates as the command handler and every other fold of the log need them. */
export const aggregates: Aggregates = {
  evolve: (stream: StreamName, state: unknown, event: DomainEvent, fact: Fact) =>
    evolve(stream, state as AggregateState | undefined, event, fact),
  project,
  schemaOf,
};

/** The tables whose index moves with a stream. */
export const tablesOf = (stream: string): readonly string[] => TABLES_OF[streamType(stream as StreamName)];
