import type { StreamName } from '@app/kernel';
import { commitDigest } from '../chain.js';
import type { Numbered } from '../numbered.js';
import { pendingDigits } from '../pending-index.js';
import type { Append, AppendResult } from '../port.js';
import { bigintArray, intArray, textArray } from './binary-array.js';

/** A command that was found to be whole, with the versions of its events. */
export interface NumberedAppend extends Numbered {
  readonly append: Append;
}

const DIGEST_BYTES = 32;
const PARAMETERS = Array.from({ length: 31 }, (_, position) => `$${position + 1}`).join();

/** The one statement of a batch; see the migration for the function. Prepared once per connection. */
export const appendStatement = {
  name: 'append_events',
  text: `SELECT append_events(${PARAMETERS}) AS result`,
};

/** Finds out what became of a batch whose answer was lost, and makes sure that nothing comes of it later. */
export const resolveStatement = {
  name: 'resolve_append',
  text: 'SELECT resolve_append($1, $2) AS result',
};

/** What `append_events` gives back: `{first}` when all were accepted with consecutive indexes, else a result for each. */
export type AppendAnswer =
  | { readonly first: number }
  | {
      readonly results: readonly (
        | number
        | { readonly conflict: readonly StreamName[] }
        | { readonly fenced: true }
        | { readonly reused: true }
        | { readonly duplicate: number; readonly answer: string }
      )[];
    };

/** The parameters in the function's order: column by column, as parallel arrays. */
export function appendParameters(writer: string, batch: number, commands: readonly NumberedAppend[]): unknown[] {
  const all = commands.map(({ append }) => append);
  const hasFence = all.some(({ fence }) => fence !== undefined);
  const hasKey = all.some(({ idempotency }) => idempotency !== undefined);
  const expectations = new Columns();
  const events = new Columns();
  const snapshots = new Columns();
  const rows = new Columns();
  const metas: string[] = [];
  const types: string[] = [];
  const data: string[] = [];
  const seqs: number[] = [];
  const schemas: number[] = [];
  const states: string[] = [];
  const tables: string[] = [];
  const columns: (string | null)[] = [];
  const documents: (string | null)[] = [];

  const digests = Buffer.alloc(DIGEST_BYTES * commands.length);
  commands.forEach(({ append, eventVersions, written }, position) => {
    const command = position + 1;
    for (const [stream, version] of append.expect) expectations.add(command, stream, version);
    const meta = JSON.stringify(append.meta);
    metas.push(meta);
    const chained = append.events.map((event, seq) => ({ ...event, version: eventVersions[seq] ?? 0 }));
    digests.write(commitDigest({ time: append.time, meta, events: chained }), DIGEST_BYTES * position, 'hex');
    append.events.forEach((event, seq) => {
      events.add(command, event.stream, eventVersions[seq] ?? 0);
      seqs.push(seq);
      types.push(event.type);
      schemas.push(event.schema);
      data.push(event.data);
    });
    for (const { stream, state } of append.snapshots) {
      snapshots.add(command, stream, written.get(stream) ?? 0);
      states.push(state);
    }
    for (const row of append.rows) {
      rows.add(command, row.key, 0);
      tables.push(row.table);
      columns.push(row.columns === null ? null : JSON.stringify(row.columns));
      documents.push(row.document);
    }
  });

  return [
    writer,
    batch,
    pendingDigits,
    intArray(all.map((append) => append.events.length)),
    bigintArray(all.map(({ time }) => time)),
    textArray(metas),
    textArray(hasFence ? all.map(({ fence }) => fence?.lease ?? null) : []),
    bigintArray(hasFence ? all.map(({ fence }) => fence?.epoch ?? 0) : []),
    textArray(hasKey ? all.map(({ idempotency }) => idempotency?.key ?? null) : []),
    textArray(hasKey ? all.map(({ idempotency }) => idempotency?.fingerprint ?? null) : []),
    textArray(hasKey ? all.map(({ idempotency }) => idempotency?.answer ?? null) : []),
    ...[intArray(expectations.commands), textArray(expectations.names), intArray(expectations.versions)],
    ...[intArray(events.commands), intArray(seqs), textArray(events.names), intArray(events.versions)],
    ...[textArray(types), intArray(schemas), textArray(data)],
    ...[intArray(snapshots.commands), textArray(snapshots.names), intArray(snapshots.versions), textArray(states)],
    ...[intArray(rows.commands), textArray(tables), textArray(rows.names), textArray(columns), textArray(documents)],
    digests,
  ];
}

class Columns {
  readonly commands: number[] = [];
  readonly names: string[] = [];
  readonly versions: number[] = [];

  add(command: number, name: string, version: number): void {
    this.commands.push(command);
    this.names.push(name);
    this.versions.push(version);
  }
}

/** The function's answer, one result per command. */
export function appendResults(answer: AppendAnswer, commands: number): AppendResult[] {
  if ('first' in answer)
    return Array.from({ length: commands }, (_, position) => ({ kind: 'appended', index: answer.first + position }));
  return answer.results.map((result): AppendResult => {
    if (typeof result === 'number') return { kind: 'appended', index: result };
    if ('conflict' in result) return { kind: 'conflict', streams: result.conflict };
    if ('fenced' in result) return { kind: 'fenced' };
    if ('reused' in result) return { kind: 'key-reused' };
    return { kind: 'duplicate', index: result.duplicate, answer: result.answer };
  });
}
