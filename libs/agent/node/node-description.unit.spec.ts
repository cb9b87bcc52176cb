import { tmpdir } from 'node:os';
import { describeNode } from './node-description.js';

const NAMING = { id: 'i', name: 'n', datacenter: 'dc1', nodePool: 'default', nodeClass: 'large', meta: { rack: '4' } };

test('A node shows what it is told to offer and to keep back', async () => {
  const reserved = { cpuShares: 500, memoryMb: 256, diskMb: 1000, ports: '22,8500-8600' };
  const resources = { cpuShares: 4000, memoryMb: 2048, diskMb: 10_000, ip: '10.0.0.7', reserved };
  expect(await describeNode(NAMING, resources, [], tmpdir(), 0)).toMatchObject({
    NodeClass: 'large',
    Meta: { rack: '4' },
    NodeResources: { Cpu: { CpuShares: 4000 }, Memory: { MemoryMB: 2048 }, Disk: { DiskMB: 10_000 } },
    ReservedResources: {
      Cpu: { CpuShares: 500 },
      Memory: { MemoryMB: 256 },
      Disk: { DiskMB: 1000 },
      Networks: { ReservedHostPorts: '22,8500-8600' },
    },
  });
});
