import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { allocationId } from '../testing/builders.js';
import { createTaskDirectories, taskDirectories, type TaskDirectories } from './directories.js';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'rollbook-directories-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const of = (task: string): TaskDirectories => taskDirectories(dataDir, allocationId(1), task);
const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
const self = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

describe('directories of a task', () => {
  test('are as open as Nomad makes them, within an allocation that only the agent enters', async () => {
    const { task, local, secrets, shared, executor } = of('main');
    await createTaskDirectories(of('main'), null);
    const paths = [dirname(task), shared, task, local, secrets, join(task, 'private'), join(task, 'tmp'), executor];
    expect(paths.map(modeOf)).toEqual(['700', '777', '777', '777', '777', '777', '1777', '700']);
  });

  test('of a task with a user of its own are passed through to, and the secrets of all tasks are closed then', async () => {
    await createTaskDirectories(of('main'), null);
    await createTaskDirectories(of('other'), null, self);
    await createTaskDirectories(of('third'), null);
    expect(modeOf(dirname(of('main').task))).toBe('711');
    for (const name of ['main', 'other', 'third']) expect([name, modeOf(of(name).secrets)]).toEqual([name, '700']);
  });

  test('that an earlier release has left open to others keep their secrets closed', async () => {
    mkdirSync(dirname(of('main').task), { recursive: true, mode: 0o755 });
    await createTaskDirectories(of('main'), null);
    expect(modeOf(of('main').secrets)).toBe('700');
  });

  test('hold a payload, which is not written to where a link in its place leads', async () => {
    const file = { name: 'in/payload', content: Buffer.from([0xff]) };
    await createTaskDirectories(of('main'), file);
    const path = join(of('main').local, file.name);
    expect(readFileSync(path)).toEqual(file.content);
    const victim = join(dataDir, 'victim');
    rmSync(path);
    symlinkSync(victim, path);
    await createTaskDirectories(of('main'), file);
    expect(existsSync(victim)).toBe(false);
    expect(readFileSync(path)).toEqual(file.content);
    const outside = { ...file, name: '../payload' };
    await expect(createTaskDirectories(of('main'), outside)).rejects.toThrow('outside of the task directory');
  });

  test.each(['local', 'secrets', 'tmp', 'private', 'executor'])(
    'are not followed to where a link at %s leads',
    async (name) => {
      const { task } = of('main');
      const outside = join(dataDir, 'outside');
      mkdirSync(outside, { mode: 0o750 });
      mkdirSync(task, { recursive: true });
      symlinkSync(outside, join(task, name));
      for (const owner of [null, self])
        await expect(createTaskDirectories(of('main'), null, owner)).rejects.toThrow('E');
      expect(modeOf(outside)).toBe('750');
    },
  );
});
