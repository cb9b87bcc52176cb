import { impatientPool } from '@app/event-store';
import { ENTITIES } from '@app/read-models';
import { DataSource } from 'typeorm';

/** Look-ups of rows on the database of a ledger, or on its replica. Not connected yet. */
export const dataSourceOn = (url: string, poolSize: number): DataSource =>
  new DataSource({
    type: 'postgres',
    url,
    entities: [...ENTITIES],
    poolSize,
    extra: impatientPool,
    // A connection that is lost is replaced when it is needed.
    poolErrorHandler: () => undefined,
  });
