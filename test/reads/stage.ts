import { PostgresEventStore } from '@app/event-store';
import { ENTITIES, ReadModels } from '@app/read-models';
import { KeptLists } from '@app/streaming';
import { createMigratedDatabase, startInstance, type TestInstance } from '@app/testing';
import { DataSource } from 'typeorm';

/** Two instances on one database, one of which keeps lists. */
export interface Stage {
  readonly one: TestInstance;
  readonly other: TestInstance;
  readonly store: PostgresEventStore;
  listsOn(instance: TestInstance, bytes: number): KeptLists;
  /** Is run right after lists have read something, before they go on with it. */
  inject(between: () => Promise<void>): void;
  close(): Promise<void>;
}

export async function startStage(): Promise<Stage> {
  const database = await createMigratedDatabase();
  const dataSource = new DataSource({ type: 'postgres', url: database.url, entities: [...ENTITIES], poolSize: 4 });
  await dataSource.initialize();
  const [store, otherStore] = [0, 1].map(() => new PostgresEventStore({ url: database.url, poolSize: 4 })) as [
    PostgresEventStore,
    PostgresEventStore,
  ];
  const [one, other] = [await startInstance(store), await startInstance(otherStore)];
  let injected = (): Promise<void> => Promise.resolve();
  const followed =
    <A extends unknown[], T>(read: (...given: A) => Promise<T>) =>
    async (...given: A): Promise<T> => {
      const found = await read(...given);
      await injected();
      return found;
    };
  return {
    one,
    other,
    store,
    listsOn({ tail }, bytes) {
      const readModels = new ReadModels(dataSource);
      return new KeptLists(
        {
          tail,
          readModels: { listSnapshot: followed((query, onRows) => readModels.listSnapshot(query, onRows)) },
          store: { load: followed((streams) => store.load(streams)) },
        },
        bytes,
      );
    },
    inject(between) {
      injected = between;
    },
    async close() {
      injected = () => Promise.resolve();
      await Promise.all([one.close(), other.close()]);
      await dataSource.destroy();
      await Promise.all([store.close(), otherStore.close()]);
      await database.drop();
    },
  };
}
