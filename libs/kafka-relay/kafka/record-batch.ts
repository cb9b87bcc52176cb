import { ownProperty } from '@app/kernel';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { RelayRecord } from '../record.js';
import { crc32c } from './inner-kafkajs.js';
import type { ProtocolBytes } from './protocol-bytes.js';
import type { KafkaSettings } from './settings.js';

const CODEC = { none: 0, gzip: 1 } as const satisfies Record<KafkaSettings['compression'], number>;
const TRANSACTIONAL = 0x10;
const MAGIC = 2;
const NO_ATTRIBUTES = 0;
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

/**
 * Writes a transactional record batch of format 2, as Kafka stores it. kafkajs could make it as well, but makes a buffer for each record and each
 * of its headers: that would take four fifths of the relay's time.
 */
export async function writeBatch(
  out: ProtocolBytes,
  records: readonly BatchRecord[],
  producer: BatchProducer,
  compression: KafkaSettings['compression'],
): Promise<void> {
  const start = out.length;
  const firstMs = records[0]!.timeMs;
  out.skip(HEADER_BYTES);
  for (const [offset, record] of records.entries())
    out.sized(() => writeRecord(out, record, offset, record.timeMs - firstMs));
  if (compression === 'gzip') {
    const content = await zipped(out.written(start + HEADER_BYTES));
    out.cut(start + HEADER_BYTES);
    out.raw(content);
  }
  const batch = out.written(start);
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
  batch.writeUInt32BE(crc32c(batch.subarray(CHECKED_FROM)), 17);
}

function writeRecord(out: ProtocolBytes, { key, value, headers }: BatchRecord, offset: number, laterMs: number): void {
  const names = Object.keys(headers);
  out.varint(NO_ATTRIBUTES);
  out.varint(laterMs);
  out.varint(offset);
  out.text(key);
  if (value === null) out.varint(ABSENT);
  else out.text(value);
  out.varint(names.length);
  for (const name of names) {
    out.text(name);
    out.text(ownProperty(headers, name)!);
  }
}
