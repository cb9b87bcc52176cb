import { evolve, upcast, type AggregateState } from '@app/domain';
import type { StreamName } from '@app/kernel';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, histories, readHistory, type HistoryDigest } from './history.js';

/** Set it after a change of what rows look like that is meant; the difference goes into the commit. */
const REWRITE = process.env['UPDATE_HISTORY_DIGESTS'] !== undefined;

describe.each(histories())('History %s', (name) => {
  const log = readHistory(name);

  test('is whole: no index, order or version is missing', () => {
    const versions = new Map<StreamName, number>();
    let [index, seq] = [0, 0];
    for (const event of log) {
      seq = event.index === index ? seq + 1 : 0;
      expect([event.index - index, event.seq]).toEqual([seq === 0 ? 1 : 0, seq]);
      index = event.index;
      expect(event.version).toBe((versions.get(event.stream) ?? 0) + 1);
      versions.set(event.stream, event.version);
    }
  });

  test('still folds, to states that survive being stored', () => {
    const states = new Map<StreamName, AggregateState | undefined>();
    for (const event of log) {
      const fact = { index: event.index, time: event.time };
      states.set(event.stream, evolve(event.stream, states.get(event.stream), upcast(event), fact));
    }
    for (const state of states.values()) {
      expect(state).toBeDefined();
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    }
  });

  test('still projects to the rows that it did', () => {
    const file = join(__dirname, name, 'digest.json');
    const digest = digestOf(log);
    if (REWRITE) writeFileSync(file, `${JSON.stringify(digest, null, 2)}\n`);
    expect(digest).toEqual(JSON.parse(readFileSync(file, 'utf8')) as HistoryDigest);
  });
});
