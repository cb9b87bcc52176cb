import { cpuMsOf } from '@app/testing';
import { taskDirectories } from '../allocation/directories.js';
import { allocationId, allocationOf, jobOf, mockTask, taskGroup } from '../testing/builders.js';
import { inheritedEnv, interpolateAll, taskEnvironment, type NodeFacts } from './task-environment.js';

const node: NodeFacts = {
  id: 'n1',
  name: 'node-1',
  datacenter: 'dc1',
  nodeClass: 'big',
  nodePool: 'default',
  attributes: { 'kernel.name': 'linux' },
  meta: { rack: 'r7' },
  hostEnv: { PATH: '/bin' },
};
const task = mockTask({}, { Env: { URL: 'http://${NOMAD_ADDR_http}/${meta.rack}' }, Meta: { 'my-key': 'v' } });
const group = taskGroup([task]);
const allocation = allocationOf(3, {
  AllocatedResources: {
    Tasks: {
      main: {
        Cpu: { CpuShares: 20, ReservedCores: null },
        Memory: { MemoryMB: 16, MemoryMaxMB: 0 },
        Networks: null,
        Devices: null,
      },
    },
    TaskLifecycles: {},
    Shared: { Networks: null, DiskMB: 10, Ports: [{ Label: 'http', Value: 20_001, To: 0, HostIP: '10.0.0.1' }] },
  },
});
const directories = taskDirectories('/data', allocation.ID, 'main');
const env = taskEnvironment({ allocation, job: jobOf(group), group, task, node, directories });

it('a task learns who and where it is, and what it may use', () => {
  expect(env).toMatchObject({
    PATH: '/bin',
    NOMAD_ALLOC_ID: allocationId(3),
    NOMAD_ALLOC_NAME: 'job.web[3]',
    NOMAD_ALLOC_INDEX: '3',
    NOMAD_TASK_NAME: 'main',
    NOMAD_GROUP_NAME: 'web',
    NOMAD_JOB_ID: 'job',
    NOMAD_NAMESPACE: 'default',
    NOMAD_REGION: 'global',
    NOMAD_DC: 'dc1',
    NOMAD_ALLOC_DIR: `/data/alloc/${allocationId(3)}/alloc`,
    NOMAD_TASK_DIR: `/data/alloc/${allocationId(3)}/main/local`,
    NOMAD_CPU_LIMIT: '20',
    NOMAD_MEMORY_LIMIT: '16',
    NOMAD_PORT_http: '20001',
    NOMAD_HOST_ADDR_http: '10.0.0.1:20001',
    NOMAD_META_my_key: 'v',
    NOMAD_META_MY_KEY: 'v',
    URL: 'http://10.0.0.1:20001/r7',
  });
});

it('references in a configuration are replaced, and what is unknown stays', () => {
  const config = { command: '${attr.kernel.name}', args: ['${NOMAD_TASK_NAME}', '${nope}', 1] };
  expect(interpolateAll(config, env, node)).toEqual({ command: 'linux', args: ['main', '${nope}', 1] });
});

it('of the environment of the agent only what is harmless is inherited', () => {
  expect(inheritedEnv({ PATH: '/bin', DATABASE_URL: 'postgres://secret' })).toEqual({ PATH: '/bin' });
});

it('a text of nothing but openings is read once', () => {
  const openings = '${'.repeat(200_000);
  const read = () => {
    expect(interpolateAll(openings, env, node)).toBe(openings);
    expect(interpolateAll(`${openings}}`, env, node)).toBe(`${openings}}`);
  };
  expect(cpuMsOf(read)).toBeLessThan(1_000);
});
