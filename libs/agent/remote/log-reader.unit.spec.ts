import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileFrom, readLogs, type Reading } from './log-reader.js';

let folder: string;
const control = { stop: new AbortController() };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollbook-logs-'));
  control.stop = new AbortController();
});
afterEach(() => {
  control.stop.abort();
  rmSync(folder, { recursive: true, force: true });
});

const write = (number: number, text: string): void => writeFileSync(join(folder, `main.stdout.${number}`), text);
const reading = (more: Partial<Reading> = {}): Reading => ({
  offset: 0,
  origin: 'start',
  follow: false,
  limit: 0,
  signal: control.stop.signal,
  ...more,
});
async function textOf(asked: Reading, until = Infinity): Promise<string> {
  let text = '';
  for await (const { data } of readLogs(folder, 'main.stdout.', asked)) {
    text += data.toString();
    if (text.length >= until) return text;
  }
  return text;
}

describe('the log of a task in several files', () => {
  test.each([
    ['from its beginning', {}, 'one\ntwo\nthree\n'],
    ['from an offset in a later file', { offset: 6 }, 'o\nthree\n'],
    ['from the end', { offset: 8, origin: 'end' as const }, 'o\nthree\n'],
    ['from beyond its end', { offset: 100 }, ''],
    ['from before its beginning', { offset: 100, origin: 'end' as const }, 'one\ntwo\nthree\n'],
  ])('is read %s, whatever number is the first that is kept', async (_, asked, expected) => {
    write(7, 'one\n');
    write(8, 'two\n');
    write(10, 'three\n');
    expect(await textOf(reading(asked))).toBe(expected);
  });

  test('is followed into the next file, though the one before is deleted meanwhile', async () => {
    write(0, 'a');
    const followed = textOf(reading({ follow: true }), 4);
    appendFileSync(join(folder, 'main.stdout.0'), 'b');
    write(1, 'c');
    write(2, 'd');
    expect((await followed).slice(-2)).toBe('cd');
  });

  test('goes on when the file that is read is deleted', async () => {
    write(3, 'abc');
    const pieces = readLogs(folder, 'main.stdout.', reading({ follow: true }));
    expect((await pieces.next()).value).toMatchObject({ file: 'alloc/logs/main.stdout.3', offset: 3 });
    write(4, 'def');
    rmSync(join(folder, 'main.stdout.3'));
    expect((await pieces.next()).value).toMatchObject({ file: 'alloc/logs/main.stdout.4', offset: 3 });
    await pieces.return(undefined);
  });

  test('does not lead elsewhere', async () => {
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'secret');
    write(0, 'own');
    symlinkSync(secret, join(folder, 'main.stdout.1'));
    expect(await textOf(reading())).toBe('own');
  });
});

test('a pipe that a task has left is not waited for', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await expect(readFileFrom(pipe, 'pipe', reading()).next()).rejects.toThrow('ESPIPE');
});
