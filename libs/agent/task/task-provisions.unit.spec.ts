import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTaskDirectories, taskDirectories } from '../allocation/directories.js';
import type { SignedIdentities } from '../protocol.js';
import { allocationId, mockTask, silentLog } from '../testing/builders.js';
import { Timers } from '../timers.js';
import { TaskProvisions } from './task-provisions.js';

let dataDir: string;
const timers = new Timers();
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'rollbook-provisions-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));
afterAll(() => timers.close());

test('a task that is stopped while its identities are signed gets neither artifacts nor templates', async () => {
  const directories = taskDirectories(dataDir, allocationId(1), 'main');
  const asked = Promise.withResolvers<void>();
  const signed = Promise.withResolvers<SignedIdentities>();
  const recorded: string[] = [];
  const task = mockTask(
    {},
    {
      Identity: { Name: 'default', File: true },
      Artifacts: [{ GetterSource: 'http://127.0.0.1:1/a', GetterMode: 'any', RelativeDest: 'local/' }],
      Templates: [{ EmbeddedTmpl: 'a', DestPath: 'local/out', ChangeMode: 'noop' }],
    },
  );
  const provisions = new TaskProvisions(
    {
      timers,
      now: () => 1,
      random: () => 0,
      log: silentLog,
      node: { name: 'n', datacenter: 'dc1', attributes: {}, meta: {} } as never,
      namespace: 'default',
      directories,
      createDirectories: () => createTaskDirectories(directories, null),
      environment: () => ({}),
      sign: () => {
        asked.resolve();
        return signed.promise;
      },
      read: () => Promise.reject(new Error('nothing is to be read')),
      runner: () => ({ record: (event: { Type: string }) => recorded.push(event.Type) }) as never,
    },
    task,
  );
  const prepared = provisions.prepare(task);
  await asked.promise;
  provisions.stop();
  signed.resolve({ Identities: [{ Name: 'default', Token: 'token', ExpiresAtUs: 0 }], Rejections: [] });
  await expect(prepared).rejects.toThrow('the task is stopped');
  expect(recorded).toEqual([]);
  expect(existsSync(join(directories.local, 'out'))).toBe(false);
});
