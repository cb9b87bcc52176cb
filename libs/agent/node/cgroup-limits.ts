import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the cgroups of this process leave it of the machine; undefined: all of it. */
export interface CgroupLimits {
  readonly memoryBytes: number | undefined;
  /** CPUs' worth of time, not whole ones: 1.5. */
  readonly cpus: number | undefined;
}

/** cgroup v1 says "no limit" by a number about as large as there are. */
const UNLIMITED_BYTES = 2 ** 60;

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

const positive = (text: string | undefined): number | undefined => {
  const value = text !== undefined && /^\d+$/.test(text) ? Number(text) : 0;
  return value > 0 ? value : undefined;
};

/** The group and all above it: each of them limits. Below a container's own mount the path of the host leads nowhere, but the root does not. */
function* groupsUp(mount: string, path: string): Generator<string> {
  for (let at = join('/', path); ; at = dirname(at)) {
    yield join(mount, at);
    if (at === '/') return;
  }
}

const least = (values: Iterable<number | undefined>): number | undefined => {
  const known = [...values].filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

/** `200000 100000`, or `max 100000`. */
function cpusOfV2(text: string | undefined): number | undefined {
  const [quota, period] = (text ?? '').split(' ').map(positive);
  return quota === undefined || period === undefined ? undefined : quota / period;
}

function cpusOfV1(group: string): number | undefined {
  const quota = positive(read(join(group, 'cpu.cfs_quota_us')));
  const period = positive(read(join(group, 'cpu.cfs_period_us')));
  return quota === undefined || period === undefined ? undefined : quota / period;
}

/** Limits of memory and CPU by cgroups v2, v1, or both. Where there are none, as on macOS, there is no limit. `root` is another one in tests. */
export function cgroupLimits(root = '/'): CgroupLimits {
  const mounts = join(root, 'sys/fs/cgroup');
  const memory: (number | undefined)[] = [];
  const cpus: (number | undefined)[] = [];
  for (const line of (read(join(root, 'proc/self/cgroup')) ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers === '') {
      for (const mount of [mounts, join(mounts, 'unified')])
        for (const group of groupsUp(mount, path)) {
          memory.push(positive(read(join(group, 'memory.max'))));
          cpus.push(cpusOfV2(read(join(group, 'cpu.max'))));
        }
      continue;
    }
    const names = controllers.split(',');
    if (names.includes('memory'))
      for (const group of groupsUp(join(mounts, 'memory'), path)) {
        const limit = positive(read(join(group, 'memory.limit_in_bytes')));
        memory.push(limit !== undefined && limit < UNLIMITED_BYTES ? limit : undefined);
      }
    if (names.includes('cpu'))
      for (const mount of [join(mounts, 'cpu'), join(mounts, controllers)])
        for (const group of groupsUp(mount, path)) cpus.push(cpusOfV1(group));
  }
  return { memoryBytes: least(memory), cpus: least(cpus) };
}
