import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { any, decode, encode, ValueScanner, type Schema } from '../msgpack/index.js';
import { requestHeader, responseHeader, streamAnswer, streamFrame, streamHeader } from '../transport/wire.js';
import * as messages from './index.js';

interface Row {
  readonly n: number;
  readonly stream: number;
  readonly from: 'client' | 'server';
  readonly hex: string;
  readonly decoded: Record<string, unknown>;
}
const rows = (file: string): Row[] =>
  readFileSync(join(__dirname, '../testing/recorded', file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

const session = rows('session.jsonl');
const calls = rows('server-calls.jsonl');

/** Requests and replies by method. */
const SCHEMAS: Readonly<Record<string, readonly [Schema<never>, Schema<never>]>> = {
  'Status.Ping': [messages.pingRequest, messages.emptyReply],
  'Node.Register': [messages.registerRequest, messages.nodeUpdateReply],
  'Node.UpdateStatus': [messages.updateStatusRequest, messages.nodeUpdateReply],
  'Node.GetClientAllocs': [messages.getClientAllocsRequest, messages.getClientAllocsReply],
  'Node.UpdateAlloc': [messages.updateAllocRequest, messages.indexReply],
  'Node.EmitEvents': [messages.emitEventsRequest, messages.indexReply],
  'Alloc.GetAllocs': [messages.getAllocsRequest, messages.getAllocsReply],
  'Alloc.SignIdentities': [messages.signIdentitiesRequest, messages.signIdentitiesReply],
  'ACL.WhoAmI': [messages.whoAmIRequest, messages.whoAmIReply],
  'ServiceRegistration.Upsert': [messages.upsertServicesRequest, messages.indexReply],
  'ServiceRegistration.List': [messages.listServicesRequest, messages.listServicesReply],
  'ServiceRegistration.GetService': [messages.getServiceRequest, messages.getServiceReply],
  'Variables.Read': [messages.readVariableRequest, messages.readVariableReply],
} as never;

/** Each body with the method that its header named. */
function* bodies(all: readonly Row[]): Generator<{ row: Row; method: string }> {
  const current = new Map<string, string>();
  for (const row of all) {
    const key = `${row.stream} ${row.from}`;
    const method = row.decoded?.['ServiceMethod'];
    if (typeof method === 'string') current.set(key, method);
    else if (current.has(key)) yield { row, method: current.get(key)! };
  }
}

/** Both as plain JSON; digits beyond 2^53 as text, the recordings' `…n` and our bigint alike. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, one: unknown) => {
      if (typeof one === 'bigint') return Number.isSafeInteger(Number(one)) ? Number(one) : `${one}n`;
      if (typeof one === 'object' && one !== null && (one as { type?: string }).type === 'Buffer')
        return Buffer.from((one as unknown as { data: number[] }).data).toString('utf8');
      return typeof one === 'string' && /^\d{4}-\d\d-\d\dT.*Z$/.test(one) ? atMs(one) : one;
    }),
  );
/** The recordings tell times in milliseconds. */
const atMs = (text: string): string => (text.startsWith('0001') ? text : new Date(text).toISOString());

/** What is in the expectation is in the value, too; fields that a schema does not know may be missing from it. */
function known(value: unknown, expected: unknown): unknown {
  if (typeof value !== 'object' || value === null || typeof expected !== 'object' || expected === null) return expected;
  if (Array.isArray(expected)) return expected.map((one, n) => known((value as unknown[])[n], one));
  return Object.fromEntries(
    Object.entries(expected)
      .filter(([key]) => key in value)
      .map(([key, one]) => [key, known((value as Record<string, unknown>)[key], one)]),
  );
}

it('the recordings are there', () => {
  expect(session).toHaveLength(156);
  expect(calls).toHaveLength(227);
});

it('each message ends where it was recorded to end, however it is cut', () => {
  const wrong = [...session, ...calls].filter(({ hex }) => {
    const bytes = Buffer.from(hex, 'hex');
    const scanner = new ValueScanner(1e9);
    const early = bytes.subarray(0, -1).some((byte) => scanner.scan(Buffer.from([byte])) !== -1);
    const followed = Buffer.concat([bytes, Buffer.from([0xc0])]);
    return early || scanner.scan(bytes.subarray(-1)) !== 1 || new ValueScanner(1e9).scan(followed) !== bytes.length;
  });
  expect(wrong).toEqual([]);
});

/** Fields of requests that have no use here. */
const PASSED_OVER = ['NodeEvent', 'UpdatedAt'];

it.each(Object.entries(SCHEMAS))(
  'each %s decodes to what stands beside it, and is the same when written again',
  (name, pair) => {
    const recorded = [...bodies(session), ...bodies(calls)].filter(({ method }) => method === name);
    expect(recorded.length).toBeGreaterThanOrEqual(2);
    for (const { row } of recorded) {
      const schema = pair[row.from === 'client' ? 0 : 1] as unknown as Schema<unknown>;
      const value = decode(schema, Buffer.from(row.hex, 'hex'));
      const read = plain(value) as object;
      expect(plain(decode(schema, encode(schema, value)))).toEqual(read);
      // A refusal has an empty map for its body.
      if (row.from === 'server' && Object.keys(row.decoded).length === 0) continue;
      expect(read).toMatchObject(known(read, plain(row.decoded)) as object);
      expect(Object.keys(row.decoded).filter((key) => !(key in read) && !PASSED_OVER.includes(key))).toEqual([]);
    }
  },
);

it('every header and frame decodes to what stands beside it', () => {
  let checked = 0;
  for (const row of [...session, ...calls]) {
    const keys = Object.keys(row.decoded ?? {})
      .sort()
      .join();
    const schema = {
      'Seq,ServiceMethod': requestHeader,
      'Error,Seq,ServiceMethod': responseHeader,
      Method: streamHeader,
      Error: streamAnswer,
      'Error,Payload': streamFrame,
    }[keys] as Schema<unknown> | undefined;
    if (schema === undefined) continue;
    checked++;
    const value = plain(decode(schema, Buffer.from(row.hex, 'hex'))) as Record<string, unknown>;
    expect(value).toMatchObject(known(value, plain(row.decoded)) as object);
  }
  expect(checked).toBeGreaterThan(200);
});

it('every message of a client reads without its schema, times included', () => {
  for (const { hex } of [...session, ...calls].filter(({ from }) => from === 'client')) {
    const bytes = Buffer.from(hex, 'hex');
    expect(() => encode(any, decode(any, bytes))).not.toThrow();
  }
  const registration = decode(any, Buffer.from(session[5]!.hex, 'hex')) as {
    Node: { Drivers: { exec: { UpdateTime: string } } };
  };
  expect(registration.Node.Drivers.exec.UpdateTime).toMatch(/^2026-11-28T08:40:55\.558\d*Z$/);
});
