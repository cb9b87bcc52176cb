import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from './journal.js';
import { silentLog } from './testing/builders.js';
import { Timers } from './timers.js';

let folder: string;
let path: string;
const timers = new Timers();
const open = (): Journal => new Journal(path, timers, silentLog);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
  path = join(folder, 'state.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(() => timers.close());

it('the last value of each key is read back, and what was deleted is not', () => {
  const journal = open();
  journal.put('a', () => 1);
  journal.put('b', () => ({ deep: [2] }));
  journal.flush();
  journal.put('a', () => 3);
  journal.delete('b');
  journal.put('c', () => 'new');
  journal.flush();
  expect(Object.fromEntries(open().load())).toEqual({ a: 3, c: 'new' });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('a line that a crash has cut off is left out', () => {
  const journal = open();
  journal.put('a', () => 1);
  journal.flush();
  appendFileSync(path, '{"k":"b","v":{"half":');
  expect(Object.fromEntries(open().load())).toEqual({ a: 1 });
});

it('a rewritten file holds what is live, once', () => {
  const journal = open();
  for (let value = 0; value < 5; value++) {
    journal.put('a', () => value);
    journal.flush();
  }
  journal.compact();
  expect(readFileSync(path, 'utf8')).toBe('{"k":"a","v":4}\n');
});
