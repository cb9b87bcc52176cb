import { createTestDatabase, type TestDatabase } from '@app/testing';
import { eventStoreMigrations, migrate } from '../postgres/migrate.js';
import { ToyTable1760000000001 } from './toy.js';

export const toyMigrations = [...eventStoreMigrations, ToyTable1760000000001];

/** A migrated database with the toy's table. */
export const createToyDatabase = (): Promise<TestDatabase> =>
  createTestDatabase({ name: 'event_store_toy', prepare: (url) => migrate(url, toyMigrations) });
