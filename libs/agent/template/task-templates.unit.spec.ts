import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Task } from '@app/domain';
import { taskDirectories, type TaskDirectories } from '../allocation/directories.js';
import { RequestRefused, type ReadAnswer } from '../server-client.js';
import { allocationId, mockTask } from '../testing/builders.js';
import { Timers } from '../timers.js';
import { TaskTemplates, type Change } from './task-templates.js';

/** Servers that have variables, and answer blocking reads. */
class Variables {
  readonly reads: string[] = [];
  refusal: number | null = null;
  private index = 1;
  private readonly items = new Map<string, Record<string, string>>();
  private wake = Promise.withResolvers<void>();

  set(path: string, items: Record<string, string>): void {
    this.items.set(path, items);
    this.index++;
    this.wake.resolve();
    this.wake = Promise.withResolvers();
  }

  read = async (path: string, index: number, _: number, signal: AbortSignal): Promise<ReadAnswer> => {
    this.reads.push(path);
    if (this.refusal !== null) throw new RequestRefused(this.refusal, 'Permission denied');
    const ended = new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(new Error('aborted'))),
    );
    ended.catch(() => undefined);
    while (this.index <= index) await Promise.race([this.wake.promise, ended]);
    const [, name = ''] = /^\/v1\/var\/([^?]*)/.exec(path) ?? [];
    const items = this.items.get(name);
    return { index: this.index, text: items === undefined ? '' : JSON.stringify({ Path: name, Items: items }) };
  };
}

let dataDir: string;
let directories: TaskDirectories;
let timers: Timers;
let variables: Variables;
const made: TaskTemplates[] = [];
const told = { missing: [] as string[], changes: [] as Change[], failures: [] as string[] };

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'rollbook-templates-'));
  directories = taskDirectories(dataDir, allocationId(1), 'main');
  for (const folder of [directories.local, directories.secrets, directories.shared])
    mkdirSync(folder, { recursive: true });
  timers = new Timers();
  variables = new Variables();
  Object.assign(told, { missing: [], changes: [], failures: [] });
});
afterEach(() => {
  for (const templates of made.splice(0)) templates.stop();
  timers.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function templatesOf(): TaskTemplates {
  const templates = new TaskTemplates(
    {
      timers,
      random: () => 0,
      namespace: 'default',
      env: () => ({ NOMAD_TASK_DIR: directories.local, GREETING: 'hello' }),
      interpolate: (text) => text.replace('${NOMAD_TASK_DIR}', directories.local),
      read: variables.read,
      missing: (names) => void told.missing.push(...names),
      changed: (change) => void told.changes.push(change),
      failed: (reason) => void told.failures.push(reason),
    },
    directories,
  );
  made.push(templates);
  return templates;
}
const taskWith = (...blocks: Record<string, unknown>[]): Task =>
  mockTask(
    {},
    {
      Templates: blocks.map((block) => ({
        DestPath: 'local/out',
        ChangeMode: 'restart',
        Splay: 0,
        Perms: '0644',
        ...block,
      })) as never,
    },
  );
const out = (name = 'local/out'): string => readFileSync(join(directories.task, name), 'utf8');
async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 5_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited in vain: ${JSON.stringify(told)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('templates of a task', () => {
  test('are written where their blocks say, with their permissions', async () => {
    const task = taskWith(
      { EmbeddedTmpl: '{{ env "GREETING" }}', DestPath: 'local/deep/er/a', Perms: '0600' },
      { EmbeddedTmpl: 'b', DestPath: '${NOMAD_TASK_DIR}/b', Perms: '0755' },
      { EmbeddedTmpl: '[[ 1 ]]{{', DestPath: '/secrets/c', LeftDelim: '[[', RightDelim: ']]' },
      { EmbeddedTmpl: 'd', DestPath: '../alloc/d' },
    );
    await templatesOf().prepare(task, null);
    expect([out('local/deep/er/a'), out('local/b'), out('secrets/c')]).toEqual(['hello', 'b', '1{{']);
    expect(readFileSync(join(directories.shared, 'd'), 'utf8')).toBe('d');
    expect(statSync(join(directories.task, 'local/deep/er/a')).mode & 0o777).toBe(0o600);
    expect(statSync(join(directories.task, 'local/b')).mode & 0o777).toBe(0o755);
    expect(variables.reads).toEqual([]);
  });

  test('come from a file of the task', async () => {
    writeFileSync(join(directories.local, 'in.tpl'), '{{ add 1 1 }}');
    await templatesOf().prepare(taskWith({ SourcePath: 'local/in.tpl' }), null);
    expect(out()).toBe('2');
  });

  test('give variables to the task', async () => {
    const templates = templatesOf();
    await templates.prepare(taskWith({ EmbeddedTmpl: 'A={{ env "GREETING" }}\nB="x y"', Envvars: true }), null);
    expect(templates.env()).toEqual({ A: 'hello', B: 'x y' });
  });

  test('wait for a variable, then follow it', async () => {
    const templates = templatesOf();
    const ready = templates.prepare(taskWith({ EmbeddedTmpl: '{{ with nomadVar "a/b" }}{{ .x }}{{ end }}' }), null);
    await until(() => told.missing.length > 0);
    expect(told.missing).toEqual(['nomad.var.block(a/b@default)']);
    variables.set('a/b', { x: '1' });
    await ready;
    expect(out()).toBe('1');
    variables.set('a/b', { x: '2' });
    await until(() => told.changes.length > 0);
    expect(out()).toBe('2');
    expect(told.changes).toEqual([{ restarts: true, signals: [], scripts: [] }]);
    // A change that makes no other text is none.
    variables.set('a/b', { x: '2', y: 'new' });
    variables.set('a/b', { x: '3', y: 'new' });
    await until(() => told.changes.length > 1);
    expect(told.changes).toHaveLength(2);
  });

  test.each([
    [
      'signal',
      { ChangeMode: 'signal', ChangeSignal: 'SIGUSR1' },
      [{ restarts: false, signals: ['SIGUSR1'], scripts: [] }],
    ],
    [
      'script',
      { ChangeMode: 'script', ChangeScript: { Command: '/bin/x', Args: ['a'], Timeout: 1e9, FailOnError: true } },
      [
        {
          restarts: false,
          signals: [],
          scripts: [{ command: '/bin/x', args: ['a'], timeoutMs: 1000, failOnError: true }],
        },
      ],
    ],
    ['noop', { ChangeMode: 'noop' }, []],
  ])('tell a task of a change by %s', async (_, block, changes) => {
    variables.set('v', { x: '1' });
    await templatesOf().prepare(taskWith({ EmbeddedTmpl: '{{ (nomadVar "v").x }}', ...block }), null);
    variables.set('v', { x: '2' });
    await until(() => out() === '2');
    await until(() => told.changes.length === changes.length);
    expect(told.changes).toEqual(changes);
  });

  test('are rendered once where the block says so', async () => {
    variables.set('v', { x: '1' });
    const task = taskWith(
      { EmbeddedTmpl: '{{ (nomadVar "v").x }}', Once: true },
      { EmbeddedTmpl: '{{ (nomadVar "v").x }}', DestPath: 'local/other' },
    );
    await templatesOf().prepare(task, null);
    variables.set('v', { x: '2' });
    await until(() => out('local/other') === '2');
    expect(out()).toBe('1');
  });

  test('are there again when a task restarts while servers are away', async () => {
    variables.set('v', { x: '1' });
    const templates = templatesOf();
    const task = taskWith({ EmbeddedTmpl: '{{ (nomadVar "v").x }}' });
    await templates.prepare(task, null);
    variables.refusal = 503;
    rmSync(join(directories.task, 'local/out'));
    await templates.prepare(task, null);
    expect(out()).toBe('1');
  });

  test('go on after a restart of the agent, and leave alone what is as it was', async () => {
    variables.set('v', { x: '1' });
    const task = taskWith({ EmbeddedTmpl: 'A={{ (nomadVar "v").x }}', Envvars: true });
    await templatesOf().prepare(task, null);
    made[0]?.stop();
    const again = templatesOf();
    again.resume(task, null);
    await until(() => variables.reads.length >= 2);
    expect(told.changes).toEqual([]);
    variables.set('v', { x: '2' });
    await until(() => told.changes.length > 0);
    expect(again.env()).toEqual({ A: '2' });
  });

  test.each([
    ['an unknown function', { EmbeddedTmpl: '{{ nope }}' }, 'Template failed: function "nope" not defined'],
    ['a place outside', { EmbeddedTmpl: 'a', DestPath: '../../../x' }, 'lies outside of the task directory'],
    ['a source outside', { SourcePath: '../../../../etc/passwd' }, 'lies outside of the task directory'],
    ['a source that is not there', { SourcePath: 'local/none' }, 'failed to read template'],
    ['variables that are none', { EmbeddedTmpl: 'x', Envvars: true }, 'line 1: a variable is NAME=value'],
  ])('fail the task for %s', async (_, block, message) => {
    await expect(templatesOf().prepare(taskWith(block), null)).rejects.toThrow(message);
  });

  test('write nothing behind a link that a task has left', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'rollbook-outside-'));
    symlinkSync(outside, join(directories.local, 'link'));
    symlinkSync(join(outside, 'victim'), join(directories.local, 'file'));
    await expect(
      templatesOf().prepare(taskWith({ EmbeddedTmpl: 'a', DestPath: 'local/link/x' }), null),
    ).rejects.toThrow('lies outside');
    await templatesOf().prepare(taskWith({ EmbeddedTmpl: 'a', DestPath: 'local/file' }), null);
    expect(existsSync(join(outside, 'victim'))).toBe(false);
    expect(out('local/file')).toBe('a');
    rmSync(outside, { recursive: true });
  });

  test('wait for no pipe that a task has left in their place', async () => {
    const task = taskWith({ EmbeddedTmpl: 'a' });
    const templates = templatesOf();
    await templates.prepare(task, null);
    rmSync(join(directories.local, 'out'));
    execFileSync('mkfifo', [join(directories.local, 'out'), join(directories.local, 'in')]);
    await templates.prepare(task, null);
    expect(out()).toBe('a');
    await expect(templatesOf().prepare(taskWith({ SourcePath: 'local/in' }), null)).rejects.toThrow('is no file');
  });

  test('fail a running task when they cannot be rendered any more', async () => {
    variables.set('v', { x: '1' });
    await templatesOf().prepare(taskWith({ EmbeddedTmpl: '{{ (nomadVar "v").x | parseInt }}' }), null);
    variables.set('v', { x: 'no number' });
    await until(() => told.failures.length > 0);
    expect(told.failures).toEqual(['Template failed: parseInt: parsing "no number": invalid syntax']);
    expect(out()).toBe('1');
  });

  test('wait as long as a block says for further changes', async () => {
    variables.set('v', { x: '1' });
    const block = { EmbeddedTmpl: '{{ (nomadVar "v").x }}', Wait: { Min: 50e6, Max: 1e9 } };
    await templatesOf().prepare(taskWith(block), null);
    for (const x of ['2', '3', '4']) variables.set('v', { x });
    await until(() => told.changes.length > 0);
    expect(out()).toBe('4');
    expect(told.changes).toHaveLength(1);
  });

  test('fail the task where a folder stands in their place', async () => {
    mkdirSync(join(directories.local, 'out'));
    await expect(templatesOf().prepare(taskWith({ EmbeddedTmpl: 'a' }), null)).rejects.toThrow('Template failed: E');
  });
});
