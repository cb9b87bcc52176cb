import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { RelayRecord } from '../record.js';
import { crc32c } from './inner-kafkajs.js';
import { RecordBytes } from './record-bytes.js';
import type { KafkaSettings } from './settings.js';

const CODEC = { none: 0, gzip: 1 } as const satisfies Record<KafkaSettings['compression'], number>;
const TRANSACTIONAL = 0x10;
const MAGIC = 2;
const ABSENT = -1;
const HEADER_BYTES = 61;
/** Where what the length and the checksum cover begins. */
const COUNTED_FROM = 12;
const CHECKED_FROM = 21;

/** What a record of a batch says. */
export type BatchRecord = Omit<RelayRecord, 'topic'>;

/** What Kafka knows of the producer that sends a batch. */
export interface BatchProducer {
  readonly id: bigint;
  readonly epoch: number;
  /** Of the batch's first record, in its partition. */
  readonly sequence: number;
}

const zipped = promisify(gzip);
const scratch = new RecordBytes();

/**
 * A transactional record batch of format 2, as Kafka stores it. kafkajs could make it as well, but makes a buffer for each record and each of its
 * headers: that would take four fifths of the relay's time.
 */
export async function recordBatch(
  records: readonly BatchRecord[],
  producer: BatchProducer,
  compression: KafkaSettings['compression'],
): Promise<Buffer> {
  const firstMs = records[0]!.timeMs;
  const content = contentOf(records, firstMs);
  const stored = compression === 'gzip' ? await zipped(Buffer.from(content)) : content;
  const batch = Buffer.allocUnsafe(HEADER_BYTES + stored.length);
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(batch.length - COUNTED_FROM, 8);
  batch.writeInt32BE(0, 12);
  batch.writeInt8(MAGIC, 16);
  batch.writeInt16BE(CODEC[compression] | TRANSACTIONAL, 21);
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(BigInt(firstMs), 27);
  batch.writeBigInt64BE(BigInt(records.reduce((latest, { timeMs }) => Math.max(latest, timeMs), firstMs)), 35);
  batch.writeBigInt64BE(producer.id, 43);
  batch.writeInt16BE(producer.epoch, 51);
  batch.writeInt32BE(producer.sequence, 53);
  batch.writeInt32BE(records.length, 57);
  batch.set(stored, HEADER_BYTES);
  batch.writeUInt32BE(crc32c(batch.subarray(CHECKED_FROM)), 17);
  return batch;
}

/** The records one after the other; valid until the next call. */
function contentOf(records: readonly BatchRecord[], firstMs: number): Buffer {
  scratch.clear();
  for (const [offset, record] of records.entries()) scratch.sized(() => write(record, offset, record.timeMs - firstMs));
  return scratch.written();
}

function write({ key, value, headers }: BatchRecord, offset: number, laterMs: number): void {
  const names = Object.keys(headers);
  // Attributes, of which there are none.
  scratch.varint(0);
  scratch.varint(laterMs);
  scratch.varint(offset);
  scratch.text(key);
  if (value === null) scratch.varint(ABSENT);
  else scratch.text(value);
  scratch.varint(names.length);
  for (const name of names) {
    scratch.text(name);
    scratch.text(headers[name]!);
  }
}
