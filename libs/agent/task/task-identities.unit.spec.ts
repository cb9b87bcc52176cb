import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Task } from '@app/domain';
import { taskDirectories } from '../allocation/directories.js';
import { StartError } from '../drivers/driver.js';
import type { SignedIdentities } from '../protocol.js';
import { Timers } from '../timers.js';
import { TaskIdentities, wantedIdentities } from './task-identities.js';

const ALLOC = '00000000-0000-4000-8000-0000000000a1';
const task = (Identity: object | null, ...Identities: object[]): Task => ({ Identity, Identities }) as unknown as Task;
const now = 1_800_000_000_000_000;

let dataDir: string;
let timers: Timers;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'rollbook-identities-'));
  timers = new Timers();
});
afterEach(() => {
  timers.close();
  rmSync(dataDir, { recursive: true });
});

/** Identities of a task whose tokens are counted; `life` in microseconds, 0: for ever. */
function identitiesOf({ life = 0, fail = undefined as Error | undefined, reject = '' } = {}) {
  const directories = taskDirectories(dataDir, ALLOC, 't');
  mkdirSync(directories.secrets, { recursive: true });
  const renewed: string[] = [];
  let calls = 0;
  const sign = (_task: string, names: readonly string[]): Promise<SignedIdentities> => {
    calls++;
    if (fail) return Promise.reject(fail);
    if (reject !== '') return Promise.resolve({ Identities: [], Rejections: [{ Name: names[0]!, Reason: reject }] });
    const ExpiresAtUs = life === 0 ? 0 : now + life;
    return Promise.resolve({
      Identities: names.map((Name) => ({ Name, Token: `${Name} ${calls}`, ExpiresAtUs })),
      Rejections: [],
    });
  };
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };
  const identities = new TaskIdentities(
    { timers, now: () => now, log, sign, renewed: (mode, signal) => renewed.push(`${mode} ${signal}`) },
    't',
    directories,
  );
  return { identities, directories, renewed, calls: () => calls };
}

describe('identities of a task', () => {
  test('are those that are wanted as a variable or a file, in Nomad’s places', () => {
    const wanted = wantedIdentities(
      task({ Name: 'default', Env: true, File: true }, { Name: 'vault', File: true }, { Name: 'unused' }),
    );
    expect(wanted.map(({ name, env, path }) => [name, env, path])).toEqual([
      ['default', true, 'secrets/nomad_token'],
      ['vault', false, 'secrets/nomad_vault.jwt'],
    ]);
  });

  test('are there before the task starts, for it alone', async () => {
    const { identities, directories } = identitiesOf();
    const of = task(
      { Name: 'default', Env: true, File: true },
      { Name: 'aws', Env: true, File: true, Filepath: 'local/aws.jwt' },
    );
    await identities.prepare(of, null);
    expect(identities.env(of)).toEqual({ NOMAD_TOKEN: 'default 1', NOMAD_TOKEN_aws: 'aws 1' });
    const file = join(directories.secrets, 'nomad_token');
    expect(readFileSync(file, 'utf8')).toBe('default 1');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(directories.local, 'aws.jwt'), 'utf8')).toBe('aws 1');
  });

  test.each(['../../out', '/../../out', '..', 'secrets/../../other/out'])('are not written to %s', async (Filepath) => {
    const { identities } = identitiesOf();
    await expect(identities.prepare(task({ File: true, Filepath }), null)).rejects.toThrow(
      /outside of the task directory/,
    );
  });

  test('do not follow links that a task has left, neither of a folder nor of a file', async () => {
    const { identities, directories } = identitiesOf();
    const outside = mkdtempSync(join(tmpdir(), 'rollbook-outside-'));
    symlinkSync(outside, join(directories.task, 'link'));
    for (const Filepath of ['link/token', 'link/made/token'])
      await expect(identities.prepare(task({ File: true, Filepath }), null)).rejects.toThrow(/outside/);
    expect(readdirSync(outside)).toEqual([]);
    writeFileSync(join(outside, 'victim'), 'untouched');
    symlinkSync(join(outside, 'victim'), join(directories.secrets, 'nomad_token'));
    await identities.prepare(task({ File: true }), null);
    expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('untouched');
    expect(readFileSync(join(directories.secrets, 'nomad_token'), 'utf8')).toBe('default 3');
    rmSync(outside, { recursive: true });
  });

  test('are tried again later when the servers are away, and not when they refuse', async () => {
    const away = identitiesOf({ fail: new Error('connect ECONNREFUSED') });
    const failed = await away.identities.prepare(task({ Env: true }), null).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(StartError);
    expect((failed as StartError).recoverable).toBe(true);
    const refused = identitiesOf({ reject: 'allocation is terminal' });
    const error = await refused.identities.prepare(task({ Env: true }), null).catch((reason: unknown) => reason);
    expect(error).not.toBeInstanceOf(StartError);
    expect((error as Error).message).toBe('identity "default" was refused: allocation is terminal');
  });

  test('are renewed before they expire, and the task is told as it asked to be', async () => {
    const { identities, directories, renewed, calls } = identitiesOf({ life: 2_000_000 });
    await identities.prepare(task({ File: true, ChangeMode: 'signal', ChangeSignal: 'SIGHUP' }), null);
    for (let n = 0; renewed.length === 0; n++) {
      if (n > 500) throw new Error('not renewed within five seconds');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    identities.stop();
    expect(renewed[0]).toBe('signal SIGHUP');
    expect(readFileSync(join(directories.secrets, 'nomad_token'), 'utf8')).toBe(`default ${calls()}`);
  });

  test.each([
    ['when they are due', now + 1_000_000],
    ['that were due while the agent was away', now - 5_000_000],
    ['of which an earlier release noted nothing', undefined],
  ])('of a task that was taken up again are renewed: %s', async (_case, renewAtUs) => {
    const { identities, directories, renewed } = identitiesOf();
    identities.resume(task({ File: true, ChangeMode: 'restart' }), null, renewAtUs);
    for (let n = 0; renewed.length === 0; n++) {
      if (n > 500) throw new Error('not renewed within five seconds');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(renewed).toEqual(['restart ']);
    expect(readFileSync(join(directories.secrets, 'nomad_token'), 'utf8')).toBe('default 1');
    expect(identities.renewAtUs).toBe(0);
  });

  test('tell when they are due, so that a later run of the agent can go on', async () => {
    const { identities } = identitiesOf({ life: 3_600_000_000 });
    await identities.prepare(task({ Env: true }), null);
    expect(identities.renewAtUs).toBe(now + 1_800_000_000);
  });

  test('without an end are not renewed for a task that was taken up again', async () => {
    const { identities, calls } = identitiesOf();
    identities.resume(task({ Env: true }), null, 0);
    expect([calls(), identities.renewAtUs]).toEqual([0, 0]);
    const { identities: distant } = identitiesOf();
    distant.resume(task({ Env: true }), null, now + 60_000_000);
    expect(distant.renewAtUs).toBe(now + 60_000_000);
  });

  test('nobody is asked for none', async () => {
    const { identities, calls } = identitiesOf();
    await identities.prepare(task({ Name: 'default' }), null);
    expect(calls()).toBe(0);
  });

  test('that are signed after the task was stopped are not renewed', async () => {
    const { identities } = identitiesOf({ life: 3_600_000_000 });
    const planned = jest.spyOn(timers, 'after');
    const prepared = identities.prepare(task({ Name: 'default', Env: true }), null);
    identities.stop();
    await prepared;
    expect(planned).not.toHaveBeenCalled();
  });

  test.each([
    ['is tried again', false, 2],
    ['is not tried again after the task was stopped', true, 1],
  ])('whose renewal fails: it %s', async (_, isStopped, planned) => {
    const { identities } = identitiesOf({ fail: new Error('away') });
    const plan = jest.spyOn(timers, 'after').mockReturnValue(() => undefined);
    identities.resume(task({ Name: 'default', Env: true }), null, 1);
    plan.mock.calls[0]![1]();
    if (isStopped) identities.stop();
    await new Promise(setImmediate);
    expect(plan).toHaveBeenCalledTimes(planned);
  });

  test('are signed once for many questions at once in the name of the task, and kept for half of their time', async () => {
    const { identities, calls } = identitiesOf({ life: 3_600_000_000 });
    expect(await Promise.all([identities.token(), identities.token()])).toEqual(['default 1', 'default 1']);
    expect(await identities.token()).toBe('default 1');
    expect(calls()).toBe(1);
  });

  test('that cannot be signed for a question are asked for again by the next one', async () => {
    const refused = identitiesOf({ fail: new Error('away') });
    await expect(refused.identities.token()).rejects.toThrow('away');
    await expect(refused.identities.token()).rejects.toThrow('away');
    expect(refused.calls()).toBe(2);
  });
});
