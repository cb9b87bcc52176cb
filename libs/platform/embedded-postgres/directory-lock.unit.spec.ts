import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartupError } from '../startup-error.js';
import { lockDirectory } from './directory-lock.js';

describe('the lock of a data directory', () => {
  const parent = mkdtempSync(join(tmpdir(), 'rollbook-lock-'));
  const directory = join(parent, 'data');
  const lockFile = join(directory, 'rollbook.lock');
  afterAll(() => rmSync(parent, { recursive: true, force: true }));

  test('makes the directory and leaves nothing behind but it', () => {
    lockDirectory(directory).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('refuses a second holder, names the first, and lets it in after that one’s release', () => {
    const first = lockDirectory(directory);
    expect(() => lockDirectory(directory)).toThrow(
      `${directory} is in use by another run (process ${process.pid}); stop it or set ROLLBOOK_DATA_DIR to another directory.`,
    );
    first.release();
    lockDirectory(directory).release();
  });

  test.each([
    ['a process that has ended', JSON.stringify({ pid: 2 ** 22 + 1, start: '1' })],
    ['an earlier process with a pid that was given again', JSON.stringify({ pid: process.pid, start: 'earlier' })],
    ['a process whose disk was full', ''],
  ])('is taken from %s', (_, content) => {
    writeFileSync(lockFile, content);
    lockDirectory(directory).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('is not removed by a holder that lost it', () => {
    const lost = lockDirectory(directory);
    writeFileSync(lockFile, JSON.stringify({ pid: 1, start: 'another' }));
    lost.release();
    expect(readdirSync(directory)).toEqual(['rollbook.lock']);
    rmSync(lockFile);
  });

  test('says in one sentence that the path is a file', () => {
    const file = join(parent, 'file');
    writeFileSync(file, '');
    expect(() => lockDirectory(file)).toThrow(
      new StartupError(`${file} is not a directory; set ROLLBOOK_DATA_DIR to one.`),
    );
  });
});
