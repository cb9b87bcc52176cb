import type { Decision, DomainEvent, EventMeta, Fact, StateView, StreamName } from '@app/kernel';
import { accept, reject } from '@app/kernel';
import { randomUUID } from 'node:crypto';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import type { Aggregates, Command } from '../command.js';
import { pendingIndex } from '../pending-index.js';
import type { Append, RowWrite } from '../port.js';

/** A sum, with the indexes of its first and last change: the smallest aggregate that shows everything. */
export interface Sum {
  readonly total: number;
  readonly createIndex: number;
  readonly modifyIndex: number;
}

export const META: EventMeta = { actor: 'test' };
/** A row with this total is refused by the toy table. */
export const POISON = 666;

export const newStream = (): StreamName => `job/default/${randomUUID()}`;

export const added = (by: number): DomainEvent => ({ type: 'Added', data: { by } });

export const sums: Aggregates = {
  evolve(_stream, state, event, fact: Fact): Sum {
    const before = state as Sum | undefined;
    return {
      total: (before?.total ?? 0) + (event.data as { by: number }).by,
      createIndex: before?.createIndex ?? fact.index,
      modifyIndex: fact.index,
    };
  },
  project(stream, _before, after): RowWrite[] {
    const { total, modifyIndex } = after as Sum;
    if (total === 0) return [{ table: 'toy', key: stream, columns: null, document: null }];
    return [
      { table: 'toy', key: stream, columns: { total, modify_index: modifyIndex }, document: JSON.stringify(after) },
    ];
  },
  schemaOf: () => 1,
};

/** What the handler would make of one `Added` on a stream of this version, for tests that append directly. */
export function appendOf(stream: StreamName, version: number, by: number, more: Partial<Append> = {}): Append {
  const state: Sum = { total: by, createIndex: pendingIndex, modifyIndex: pendingIndex };
  return {
    expect: new Map([[stream, version]]),
    events: [{ stream, type: 'Added', schema: 1, data: JSON.stringify({ by }) }],
    snapshots: [{ stream, state: JSON.stringify(state) }],
    rows: [...sums.project(stream, undefined, state)],
    meta: META,
    time: 1_760_000_000_123_456,
    ...more,
  };
}

/** Adds to a sum and answers with the new total; refuses to go below zero. */
export function add(stream: StreamName, by: number, more: Partial<Command<{ total: number; index: number }>> = {}) {
  return {
    name: 'Add',
    meta: META,
    decide(view: StateView): Decision<{ total: number; index: number }> {
      const total = (view.read<Sum>(stream)?.total ?? 0) + by;
      if (total < 0) return reject('sum-below-zero');
      if (by === 0) return accept([], { total, index: 0 });
      return accept([{ stream, event: added(by) }], { total, index: pendingIndex });
    },
    ...more,
  } satisfies Command<{ total: number; index: number }>;
}

/** The toy's table, as a read model would make it. */
export class ToyTable1760000000001 implements MigrationInterface {
  readonly name = 'ToyTable1760000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE toy (
        key text COLLATE "C" PRIMARY KEY, total integer NOT NULL CHECK (total <> ${POISON}), modify_index bigint NOT NULL, document text NOT NULL
      ) WITH (fillfactor = 70);
      CREATE FUNCTION project_toy(keys text[], columns jsonb[], documents text[]) RETURNS void LANGUAGE sql AS $$
        INSERT INTO toy (key, total, modify_index, document)
        SELECT r.key, (r.columns->>'total')::int, (r.columns->>'modify_index')::bigint, r.document
        FROM unnest(keys, columns, documents) AS r (key, columns, document)
        ON CONFLICT (key) DO UPDATE SET total = excluded.total, modify_index = excluded.modify_index, document = excluded.document
      $$;
      CREATE FUNCTION unproject_toy(keys text[]) RETURNS void LANGUAGE sql AS $$
        DELETE FROM toy WHERE key = ANY (keys)
      $$;
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
