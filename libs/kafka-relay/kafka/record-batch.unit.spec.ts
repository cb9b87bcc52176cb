import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { partitionOf } from './partition.js';
import { ProtocolBytes } from './protocol-bytes.js';
import { writeBatch, type BatchProducer, type BatchRecord } from './record-batch.js';

const require = createRequire(__filename);
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object;
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  readonly RecordBatch: (batch: object) => Promise<{ readonly buffer: Buffer }>;
};

const DAY_MS = 86_400_000;
const RECORDS_FROM = 61;
const PRODUCER: BatchProducer = { id: 4_294_967_301n, epoch: 7, sequence: 2_147_483_647 };

const text = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ minLength: 100, maxLength: 400 }),
);
const record: fc.Arbitrary<BatchRecord> = fc.record({
  key: text,
  value: fc.option(text),
  headers: fc.dictionary(text, text, { maxKeys: 5, noNullPrototype: true }),
  timeMs: fc.integer({ min: 1, max: 20_000 * DAY_MS }),
});

async function ours(records: readonly BatchRecord[], compression: 'none' | 'gzip' = 'none'): Promise<Buffer> {
  const bytes = new ProtocolBytes();
  bytes.string('what stands before');
  const start = bytes.length;
  await writeBatch(bytes, records, PRODUCER, compression);
  return bytes.written(start);
}

/** The same batch by kafkajs. */
async function byKafkajs(records: readonly BatchRecord[]): Promise<Buffer> {
  const firstTimestamp = records[0]!.timeMs;
  const batch = await RecordBatch({
    records: records.map(({ key, value, headers, timeMs }, offsetDelta) =>
      encodeRecord({ key, value, headers, offsetDelta, timestampDelta: timeMs - firstTimestamp }),
    ),
    firstTimestamp,
    maxTimestamp: Math.max(...records.map(({ timeMs }) => timeMs)),
    lastOffsetDelta: records.length - 1,
    transactional: true,
    producerId: String(PRODUCER.id),
    producerEpoch: PRODUCER.epoch,
    firstSequence: PRODUCER.sequence,
  });
  return batch.buffer;
}

describe('A record batch', () => {
  test('has the bytes that kafkajs makes of the same records', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 8 }), async (records) => {
        expect((await ours(records)).equals(await byKafkajs(records))).toBe(true);
      }),
    );
  });

  test('of more bytes than there was room for is whole', async () => {
    const records = Array.from({ length: 200 }, (_, n): BatchRecord => {
      return { key: `key-${n}`, value: 'ä'.repeat(5_000), headers: { name: 'value' }, timeMs: n };
    });
    expect((await ours(records)).equals(await byKafkajs(records))).toBe(true);
  });

  test('with gzip holds the same records', async () => {
    const records: BatchRecord[] = [{ key: 'a', value: 'b'.repeat(1_000), headers: { c: 'd' }, timeMs: 1 }];
    const [plain, zipped] = [await ours(records), await ours(records, 'gzip')];
    expect(gunzipSync(zipped.subarray(RECORDS_FROM)).equals(plain.subarray(RECORDS_FROM))).toBe(true);
  });
});

test('The partition of a key is the one that kafkajs and Kafka choose', () => {
  const choose = Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 50 }), (key, partitions) => {
      const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
        partitionId,
        leader: 1,
        partitionErrorCode: 0,
        replicas: [1],
        isr: [1],
      }));
      expect(partitionOf(key, partitions)).toBe(choose({ topic: 't', partitionMetadata, message: { key, value: '' } }));
    }),
  );
});
