import { evolve, upcast, type AggregateState } from '@app/domain';
import type { RecordedEvent, StreamName } from '@app/kernel';
import { project } from '@app/read-models';
import { createHash, type Hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The recorded histories, oldest first; each is a folder. */
export const histories = (): string[] =>
  readdirSync(__dirname, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();

/** The log of a recorded history, event by event as `ops export` wrote it. */
export const readHistory = (name: string): RecordedEvent[] =>
  readFileSync(join(__dirname, name, 'log.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RecordedEvent);

/** What a history comes to: how often each table was written, and a digest of all that was written to it, in order. */
export type HistoryDigest = Readonly<Record<string, { readonly writes: number; readonly sha256: string }>>;

/** Folds and projects a log from its beginning, commit by commit, through the upcasters. */
export function digestOf(log: readonly RecordedEvent[]): HistoryDigest {
  const tables = new Map<string, { writes: number; hash: Hash }>();
  const states = new Map<StreamName, AggregateState | undefined>();
  for (const commit of Map.groupBy(log, ({ index }) => index).values()) {
    const before = new Map(states);
    for (const event of commit) {
      const fact = { index: event.index, time: event.time };
      states.set(event.stream, evolve(event.stream, states.get(event.stream), upcast(event), fact));
    }
    for (const stream of new Set(commit.map((event) => event.stream))) {
      for (const row of project(stream, before.get(stream), states.get(stream))) {
        const table = tables.get(row.table) ?? { writes: 0, hash: createHash('sha256') };
        tables.set(row.table, table);
        table.writes++;
        table.hash.update(`${JSON.stringify([row.key, row.columns, row.document])}\n`);
      }
    }
  }
  return Object.fromEntries(
    [...tables.keys()].sort().map((name) => {
      const { writes, hash } = tables.get(name)!;
      return [name, { writes, sha256: hash.digest('hex') }];
    }),
  );
}
