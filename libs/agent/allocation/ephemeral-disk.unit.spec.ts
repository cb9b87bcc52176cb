import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { diskSnapshot } from '../remote/disk-snapshot.js';
import { RequestRefused } from '../server-client.js';
import { allocationId } from '../testing/builders.js';
import type { Timers } from '../timers.js';
import { allocationDirectory } from './directories.js';
import { DISK_COMPLETE } from './disk-archive.js';
import { EphemeralDisk, type DiskHost } from './ephemeral-disk.js';

const [PREVIOUS, NEXT] = [allocationId(1), allocationId(2)];
/** Nobody waits for as long as is said. */
const timers = { atMost: () => new Promise((resolve) => setImmediate(resolve)) } as unknown as Timers;

let dataDir: string;
let root: string;
let whole: Buffer;
const told: string[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rollbook-disk-'));
  root = allocationDirectory(dataDir, NEXT);
  told.splice(0);
  const away = join(dataDir, 'away');
  await mkdir(join(away, 'alloc/data'), { recursive: true });
  await mkdir(join(away, 'web/local'), { recursive: true });
  await writeFile(join(away, 'alloc/data/kept'), 'data');
  await writeFile(join(away, 'web/local/kept'), 'local');
  whole = await buffer(Readable.from(diskSnapshot(away)));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

type Answer = Buffer | Error;

/** The disk of an allocation whose predecessor is on another node, which answers so, one after the other. */
function diskFrom(answers: readonly Answer[], host: Partial<DiskHost> = {}): EphemeralDisk {
  const left = [...answers];
  return new EphemeralDisk(
    {
      timers,
      dataDir,
      whenOver: () => undefined,
      fetchDisk: () => {
        const answer = left.shift() ?? new Error('asked once more');
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(Readable.from([answer]));
      },
      tell: (message) => told.push(message),
      ...host,
    },
    { allocationId: NEXT, previousId: PREVIOUS, taskNames: ['web'], migrates: true },
  );
}

const cutOff = (): Buffer => whole.subarray(0, whole.indexOf(DISK_COMPLETE));
const moved = () =>
  Promise.all(['alloc/data/kept', 'web/local/kept'].map((path) => readFile(join(root, path), 'utf8')));

describe('an ephemeral disk from another node', () => {
  test('comes once the previous allocation has ended, and again when it was cut off', async () => {
    await diskFrom([new RequestRefused(409, 'has not ended'), cutOff(), whole]).arrive();
    expect(await moved()).toEqual(['data', 'local']);
    expect(told).toEqual([]);
  });

  test.each<[string, () => Answer[], string]>([
    ['was cut off each time', () => [cutOff(), cutOff(), cutOff()], 'the disk was cut off on its way'],
    [
      'is refused',
      () => [new RequestRefused(404, 'the previous allocation is gone')],
      'the previous allocation is gone',
    ],
  ])('is empty where it %s, says why, and leaves nothing', async (_, answers, why) => {
    await diskFrom(answers()).arrive();
    expect(told).toEqual([`Ephemeral disk starts empty: ${why}`]);
    expect(await readdir(join(root, 'alloc'))).toEqual([]);
  });

  test('has nothing of what an agent that was killed had unpacked of it', async () => {
    await mkdir(join(root, 'alloc/.disk/alloc/data'), { recursive: true });
    await writeFile(join(root, 'alloc/.disk/alloc/data/half'), 'half');
    await diskFrom([whole]).arrive();
    expect(await moved()).toEqual(['data', 'local']);
    expect(await readdir(join(root, 'alloc'))).toEqual(['data']);
    expect(await readdir(join(root, 'alloc/data'))).toEqual(['kept']);
  });

  test('does not arrive where the task is stopped meanwhile', async () => {
    const asked = Promise.withResolvers<void>();
    const disk = diskFrom([], {
      fetchDisk: (_, signal) => {
        asked.resolve();
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      },
    });
    const arrived = disk.arrive();
    await asked.promise;
    disk.stop();
    await expect(arrived).rejects.toThrow('the task is stopped');
    expect(told).toEqual([]);
  });
});
