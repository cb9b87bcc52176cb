import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cgroupLimits } from './cgroup-limits.js';

describe('The limits of the cgroups of a process', () => {
  let root: string;
  beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'rollbook-cgroup-'))));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const files = (given: Readonly<Record<string, string>>): void => {
    for (const [path, text] of Object.entries(given)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  };

  test('are those of v2 in a container, whose group is the root of its mount', () => {
    files({
      'proc/self/cgroup': '0::/\n',
      'sys/fs/cgroup/memory.max': '536870912\n',
      'sys/fs/cgroup/cpu.max': '150000 100000\n',
    });
    expect(cgroupLimits(root)).toEqual({ memoryBytes: 536_870_912, cpus: 1.5 });
  });

  test('are the least of a group and of all above it', () => {
    files({
      'proc/self/cgroup': '0::/system.slice/rollbook-agent.service\n',
      'sys/fs/cgroup/system.slice/memory.max': '1073741824\n',
      'sys/fs/cgroup/system.slice/cpu.max': 'max 100000\n',
      'sys/fs/cgroup/system.slice/rollbook-agent.service/memory.max': 'max\n',
      'sys/fs/cgroup/system.slice/rollbook-agent.service/cpu.max': '50000 100000\n',
    });
    expect(cgroupLimits(root)).toEqual({ memoryBytes: 1_073_741_824, cpus: 0.5 });
  });

  test('are those of v1, also where the path is the one of the host', () => {
    files({
      'proc/self/cgroup': '4:memory:/docker/0123\n3:cpu,cpuacct:/docker/0123\n0::/\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '268435456\n',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '200000\n',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    });
    expect(cgroupLimits(root)).toEqual({ memoryBytes: 268_435_456, cpus: 2 });
  });

  test.each([
    [
      'v2 says max',
      { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': 'max\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' },
    ],
    [
      'v1 says -1 and a number beyond every memory',
      {
        'proc/self/cgroup': '4:memory:/\n3:cpu:/\n',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
    ],
    ['there are no cgroups', {}],
    [
      'the files say nothing that can be read',
      { 'proc/self/cgroup': 'what?\n0::/\n', 'sys/fs/cgroup/memory.max': 'lots\n' },
    ],
  ])('are none where %s', (_where, given) => {
    files(given);
    expect(cgroupLimits(root)).toEqual({ memoryBytes: undefined, cpus: undefined });
  });
});
