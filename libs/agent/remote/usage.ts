import { readdirSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { cpus, freemem, totalmem, uptime } from 'node:os';
import type { Any } from '@app/nomad-rpc';

const TICKS_PER_S = 100;
const PAGE_BYTES = 4096;
const NS_PER_MS = 1_000_000n;
/** Processes of one task that are told one by one. */
const MAX_PIDS = 1000;

/** What a process has used: from /proc, so Linux only. */
interface Sample {
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly rssBytes: number;
  readonly swapBytes: number;
}

const nowNs = (): bigint => BigInt(Date.now()) * NS_PER_MS;

/** Nomad's ResourceUsage; spec/rpc-server-calls §2. */
export const resourceUsage = (
  sample: Sample | null,
  percent: { system: number; user: number },
  deviceStats: Any,
): Any => ({
  MemoryStats: {
    RSS: sample?.rssBytes ?? 0,
    Cache: 0,
    Swap: sample?.swapBytes ?? 0,
    MappedFile: 0,
    Usage: 0,
    MaxUsage: 0,
    KernelUsage: 0,
    KernelMaxUsage: 0,
    Measured: sample === null ? null : ['RSS', 'Swap'],
  },
  CpuStats: {
    SystemMode: percent.system,
    UserMode: percent.user,
    TotalTicks: ((percent.system + percent.user) / 100) * megahertz(),
    ThrottledPeriods: 0,
    ThrottledTime: 0,
    Percent: percent.system + percent.user,
    Measured: sample === null ? null : ['System Mode', 'User Mode', 'Percent'],
  },
  DeviceStats: deviceStats,
});

const megahertz = (): number => cpus()[0]?.speed ?? 0;

/** Measures processes; percentages are over the time since they were measured last. */
export class ProcessUsage {
  private readonly last = new Map<
    number,
    { readonly sample: Sample; readonly atMs: number; readonly percent: { system: number; user: number } }
  >();

  /** The usage of a process with all its descendants. */
  of(pid: number): { readonly usage: Any; readonly pids: Any; readonly total: Measured } {
    const pids = family(pid).slice(0, MAX_PIDS);
    const measured = pids.flatMap((one) => {
      const found = this.measure(one);
      return found === null ? [] : [{ pid: one, ...found }];
    });
    for (const known of this.last.keys()) if (!processExists(known)) this.last.delete(known);
    const total = sum(measured);
    return {
      usage: resourceUsage(total.sample, total.percent, null),
      pids: Object.fromEntries(measured.map((one) => [String(one.pid), resourceUsage(one.sample, one.percent, null)])),
      total,
    };
  }

  private measure(pid: number): Measured | null {
    const sample = sampleOf(pid);
    if (sample === null) return null;
    const atMs = performance.now();
    const before = this.last.get(pid);
    const seconds = before === undefined ? 0 : (atMs - before.atMs) / 1000;
    // Ticks are coarse: over less than a moment the last figure is better.
    if (before !== undefined && seconds < 0.5) return { sample, percent: before.percent };
    const over = (ticks: number): number => (seconds === 0 ? 0 : Math.max(0, (ticks / TICKS_PER_S / seconds) * 100));
    const percent = {
      system: over(sample.systemTicks - (before?.sample.systemTicks ?? 0)),
      user: over(sample.userTicks - (before?.sample.userTicks ?? 0)),
    };
    this.last.set(pid, { sample, atMs, percent });
    return { sample, percent };
  }
}

export interface Measured {
  readonly sample: Sample;
  readonly percent: { readonly system: number; readonly user: number };
}

/** All together. */
export const sum = (all: readonly Measured[]): Measured => ({
  sample: {
    userTicks: all.reduce((n, one) => n + one.sample.userTicks, 0),
    systemTicks: all.reduce((n, one) => n + one.sample.systemTicks, 0),
    rssBytes: all.reduce((n, one) => n + one.sample.rssBytes, 0),
    swapBytes: all.reduce((n, one) => n + one.sample.swapBytes, 0),
  },
  percent: {
    system: all.reduce((n, one) => n + one.percent.system, 0),
    user: all.reduce((n, one) => n + one.percent.user, 0),
  },
});

function fieldsOf(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name is in brackets, and may hold anything.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

function sampleOf(pid: number): Sample | null {
  const fields = fieldsOf(pid);
  if (fields === null) return null;
  let swapKb = 0;
  try {
    swapKb = Number(/^VmSwap:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    // It has ended meanwhile.
  }
  return {
    userTicks: Number(fields[11]),
    systemTicks: Number(fields[12]),
    rssBytes: Number(fields[21]) * PAGE_BYTES,
    swapBytes: swapKb * 1024,
  };
}

const processExists = (pid: number): boolean => fieldsOf(pid) !== null;

/** A process and what has come of it. */
function family(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(fieldsOf(Number(name))?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  for (let left = [pid]; left.length > 0;) {
    const next = left.shift()!;
    found.push(next);
    left = [...left, ...(children.get(next) ?? [])];
  }
  return found;
}

let lastCpus = cpus();

/** Nomad's HostStats; spec/http-api-client §5. */
export async function hostStats(dataDir: string): Promise<Any> {
  const before = lastCpus;
  const now = cpus();
  lastCpus = now;
  const perCpu = now.map((cpu, n) => {
    const was = before[n]?.times;
    const spent = (key: keyof typeof cpu.times): number => cpu.times[key] - (was?.[key] ?? 0);
    const total = (['user', 'nice', 'sys', 'idle', 'irq'] as const).reduce(
      (ms, key) => ms + Math.max(0, spent(key)),
      0,
    );
    const share = (ms: number): number => (total <= 0 ? 0 : (Math.max(0, ms) / total) * 100);
    const [user, system, idle] = [
      share(spent('user') + spent('nice')),
      share(spent('sys') + spent('irq')),
      share(spent('idle')),
    ];
    return {
      CPU: `cpu${n}`,
      User: user,
      System: system,
      Idle: idle,
      TotalPercent: user + system,
      TotalTicks: ((user + system) / 100) * cpu.speed,
    };
  });
  const disk = await diskStats(dataDir);
  return {
    AllocDirStats: disk,
    CPU: perCpu,
    CPUTicksConsumed: perCpu.reduce((ticks, cpu) => ticks + cpu.TotalTicks, 0),
    DeviceStats: null,
    DiskStats: [disk],
    Memory: { Total: totalmem(), Available: freemem(), Used: totalmem() - freemem(), Free: freemem() },
    Timestamp: nowNs(),
    Uptime: Math.floor(uptime()),
  };
}

async function diskStats(path: string): Promise<Record<string, Any>> {
  const { blocks, bsize, bavail, bfree, files, ffree } = await statfs(path);
  const used = (blocks - bfree) * bsize;
  const { device, mountpoint } = mountOf(path);
  return {
    Device: device,
    Mountpoint: mountpoint,
    Size: blocks * bsize,
    Used: used,
    Available: bavail * bsize,
    UsedPercent: blocks === 0 ? 0 : (used / (used + bavail * bsize)) * 100,
    InodesUsedPercent: files === 0 ? 0 : ((files - ffree) / files) * 100,
  };
}

function mountOf(path: string): { readonly device: string; readonly mountpoint: string } {
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .filter(
        ([, mountpoint]) =>
          mountpoint !== undefined &&
          (path === mountpoint || path.startsWith(mountpoint === '/' ? '/' : `${mountpoint}/`)),
      );
    const nearest = mounts.sort((a, b) => b[1]!.length - a[1]!.length)[0];
    return { device: nearest?.[0] ?? '', mountpoint: nearest?.[1] ?? '' };
  } catch {
    return { device: '', mountpoint: '' };
  }
}

/** The time of statistics. */
export const statsTimestamp = nowNs;
