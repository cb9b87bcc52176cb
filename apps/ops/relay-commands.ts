import { PostgresEventStore } from '@app/event-store';
import { kafkaSettings, KafkaSink, rewindRelay } from '@app/kafka-relay';
import type { Index } from '@app/kernel';
import { configured, loadOpsConfiguration, StartupError } from '@app/platform';
import { withLog } from './database.js';

/** `ops relay rewind --to INDEX`: whoever publishes takes it up from there, in a new generation. Servers may be running. */
export async function runRelayRewind({ to }: { readonly to: Index }): Promise<void> {
  const settings = configured(() => kafkaSettings(loadOpsConfiguration(process.env)));
  if (settings === undefined) throw new StartupError('there is no Kafka to rewind: set KAFKA_BROKERS.');
  await withLog(async (url) => {
    const store = new PostgresEventStore({ url, poolSize: 1 });
    try {
      const { index, generation } = await rewindRelay(new KafkaSink(settings), store, to).catch((error: unknown) => {
        throw new StartupError((error as Error).message, 1, { cause: error });
      });
      process.stdout.write(`published up to index ${index}, generation ${generation}; it goes on from ${index + 1}\n`);
    } finally {
      await store.close();
    }
  });
}
