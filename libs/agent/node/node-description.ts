import { statfsSync } from 'node:fs';
import {
  arch,
  availableParallelism,
  constants,
  cpus,
  hostname,
  networkInterfaces,
  platform,
  release,
  totalmem,
  type,
} from 'node:os';
import { LACKING_ATTRIBUTE, type NodeDescription, type NodeDriver } from '@app/domain';
import { isoFromUs, type TimeUs, byName } from '@app/kernel';
import type { Driver } from '../drivers/driver.js';
import { cgroupLimits } from './cgroup-limits.js';
import { LACKING_CAPABILITIES } from '../task/capabilities.js';

/** What a node offers; whatever is not given is measured on the machine. */
export interface NodeResourcesOption {
  /** MHz of all cores together. */
  readonly cpuShares?: number | undefined;
  readonly cpuCores?: number | undefined;
  readonly memoryMb?: number | undefined;
  readonly diskMb?: number | undefined;
  /** Address that ports are taken on. */
  readonly ip?: string | undefined;
  readonly minDynamicPort?: number | undefined;
  readonly maxDynamicPort?: number | undefined;
  /** Of all that, what no allocation gets; `ports` as Nomad writes them: `22,8500-8600`. */
  readonly reserved?: {
    readonly cpuShares: number;
    readonly memoryMb: number;
    readonly diskMb: number;
    readonly ports: string;
  };
}
export interface NodeNaming {
  readonly id: string;
  readonly name: string;
  readonly datacenter: string;
  readonly nodePool: string;
  readonly nodeClass: string;
  readonly meta: Readonly<Record<string, string>>;
}

const MIB = 1024 * 1024;
const DEFAULT_MHZ = 1000;
const MIN_DYNAMIC_PORT = 20_000;
const MAX_DYNAMIC_PORT = 32_000;
/** The release of the reference that this agent's behaviour is taken from. */
const REFERENCE_VERSION = '2.0.0';
const LOOPBACK = '127.0.0.1';

/** Looks at the machine and its drivers. */
export async function describeNode(
  naming: NodeNaming,
  resources: NodeResourcesOption,
  drivers: readonly Driver[],
  dataDir: string,
  now: TimeUs,
): Promise<NodeDescription> {
  const described = byName<NodeDriver>();
  const driverAttributes: Record<string, string> = {};
  for (const driver of drivers) {
    const print = await driver.fingerprint();
    if (print.detected) driverAttributes[`driver.${driver.name}`] = '1';
    described[driver.name] = {
      Attributes: print.attributes,
      Detected: print.detected,
      Healthy: print.healthy,
      HealthDescription: print.description,
      UpdateTime: isoFromUs(now),
    };
  }
  const machine = measure(resources, dataDir);
  return {
    ID: naming.id,
    Name: naming.name,
    Datacenter: naming.datacenter,
    NodePool: naming.nodePool,
    NodeClass: naming.nodeClass,
    // The agent serves no HTTP of its own.
    HTTPAddr: '',
    Attributes: { ...attributesOf(machine), ...driverAttributes },
    Meta: naming.meta,
    Drivers: described,
    NodeResources: {
      Cpu: {
        CpuShares: machine.cpuShares,
        TotalCpuCores: machine.cpuCores,
        ReservableCpuCores: Array.from({ length: machine.cpuCores }, (_, core) => core),
      },
      Memory: { MemoryMB: machine.memoryMb },
      Disk: { DiskMB: machine.diskMb },
      NodeNetworks: [
        {
          Mode: 'host',
          Device: machine.device,
          MacAddress: '',
          Speed: 0,
          Addresses: [{ Family: 'ipv4', Alias: 'default', Address: machine.ip, ReservedPorts: '', Gateway: '' }],
        },
      ],
      Networks: [{ Mode: 'host', Device: machine.device, CIDR: `${machine.ip}/32`, IP: machine.ip }],
      MinDynamicPort: resources.minDynamicPort ?? MIN_DYNAMIC_PORT,
      MaxDynamicPort: resources.maxDynamicPort ?? MAX_DYNAMIC_PORT,
    },
    ReservedResources: {
      Cpu: { CpuShares: resources.reserved?.cpuShares ?? 0 },
      Memory: { MemoryMB: resources.reserved?.memoryMb ?? 0 },
      Disk: { DiskMB: resources.reserved?.diskMb ?? 0 },
      Networks: { ReservedHostPorts: resources.reserved?.ports ?? '' },
    },
    HostVolumes: {},
  };
}

interface Machine {
  readonly cpuShares: number;
  readonly cpuCores: number;
  readonly cpuModel: string;
  readonly mhz: number;
  readonly memoryMb: number;
  readonly diskMb: number;
  readonly ip: string;
  readonly device: string;
}

function measure(option: NodeResourcesOption, dataDir: string): Machine {
  const processors = cpus();
  const mhz = processors[0]?.speed || DEFAULT_MHZ;
  const limits = cgroupLimits();
  // Cores that the process may run on, which a container may have fewer of than the machine.
  const cpuCores = option.cpuCores ?? Math.max(1, Math.min(processors.length, availableParallelism()));
  const address = firstAddress();
  return {
    cpuShares: option.cpuShares ?? Math.floor(Math.min(cpuCores, limits.cpus ?? cpuCores) * mhz),
    cpuCores,
    cpuModel: processors[0]?.model ?? '',
    mhz,
    memoryMb: option.memoryMb ?? Math.floor(Math.min(totalmem(), limits.memoryBytes ?? Infinity) / MIB),
    diskMb: option.diskMb ?? freeDiskMb(dataDir),
    ip: option.ip ?? address.ip,
    device: address.device,
  };
}

function freeDiskMb(dataDir: string): number {
  try {
    const disk = statfsSync(dataDir);
    return Math.floor((disk.bavail * disk.bsize) / MIB);
  } catch {
    return 0;
  }
}

function firstAddress(): { readonly device: string; readonly ip: string } {
  for (const [device, addresses] of Object.entries(networkInterfaces())) {
    const outward = addresses?.find((address) => address.family === 'IPv4' && !address.internal);
    if (outward) return { device, ip: outward.address };
  }
  return { device: 'lo', ip: LOOPBACK };
}

function attributesOf(machine: Machine): Record<string, string> {
  const kernel = type().toLowerCase();
  return {
    'cpu.arch': goArchitecture(),
    'cpu.frequency': String(machine.mhz),
    'cpu.modelname': machine.cpuModel,
    'cpu.numcores': String(machine.cpuCores),
    'cpu.totalcompute': String(machine.cpuShares),
    'kernel.arch': arch() === 'x64' ? 'x86_64' : arch(),
    'kernel.name': kernel,
    'kernel.version': release(),
    'memory.totalbytes': String(machine.memoryMb * MIB),
    'nomad.service_discovery': 'true',
    'nomad.version': REFERENCE_VERSION,
    [LACKING_ATTRIBUTE]: LACKING_CAPABILITIES.join(','),
    'os.name': platform(),
    'os.signals': Object.keys(constants.signals).join(','),
    'unique.hostname': hostname(),
    'unique.network.ip-address': machine.ip,
    'unique.storage.bytesfree': String(machine.diskMb * MIB),
  };
}

const goArchitecture = (): string => (arch() === 'x64' ? 'amd64' : arch());
