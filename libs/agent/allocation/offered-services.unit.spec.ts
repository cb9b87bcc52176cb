import type { Service, TaskGroup } from '@app/domain';
import type { AgentAllocation } from '../protocol.js';
import { offeredServices, type OfferSituation } from './offered-services.js';

const ALLOC = '00000000-0000-4000-8000-0000000000a1';
const service = (Name: string, more: object = {}) =>
  ({
    Name,
    Provider: 'nomad',
    PortLabel: 'http',
    Address: '',
    Tags: ['t'],
    CanaryTags: null,
    TaskName: '',
    ...more,
  }) as unknown as Service;
const group = (services: Service[], taskServices: Service[] = []) =>
  ({
    Name: 'g',
    Services: services,
    Tasks: [{ Name: 'main', Lifecycle: null, Services: taskServices }],
  }) as unknown as TaskGroup;
const situation = (of: TaskGroup, more: Partial<OfferSituation> = {}): OfferSituation => ({
  allocation: {
    ID: ALLOC,
    Canary: false,
    AllocatedResources: { Shared: { Ports: [{ Label: 'http', Value: 20001, To: 0, HostIP: '' }] } },
  } as unknown as AgentAllocation,
  group: of,
  isOpen: true,
  isRunning: () => true,
  interpolate: (text, task) => text.replace('${NOMAD_TASK_NAME}', task),
  defaultHost: '127.0.0.1',
  ...more,
});

describe('services on offer', () => {
  test('are those of the group and of its running tasks, under Nomad’s ids, at the port they were given', () => {
    expect(offeredServices(situation(group([service('web')], [service('side')])))).toEqual([
      {
        ID: `_nomad-task-${ALLOC}-group-g-web-http`,
        ServiceName: 'web',
        Tags: ['t'],
        Address: '127.0.0.1',
        Port: 20001,
      },
      {
        ID: `_nomad-task-${ALLOC}-main-side-http`,
        ServiceName: 'side',
        Tags: ['t'],
        Address: '127.0.0.1',
        Port: 20001,
      },
    ]);
  });

  test('of a task are not on offer while it does not run; of others nothing is when the allocation ends', () => {
    const of = group([service('web')], [service('side')]);
    expect(offeredServices(situation(of, { isRunning: () => false })).map(({ ServiceName }) => ServiceName)).toEqual([
      'web',
    ]);
    expect(offeredServices(situation(of, { isOpen: false }))).toEqual([]);
  });

  test('of other providers are not ours', () => {
    expect(offeredServices(situation(group([service('web', { Provider: 'consul' })])))).toEqual([]);
  });

  test('may name an address of their own, a port by its number, or none', () => {
    const own = group([service('a', { Address: 'db.example', PortLabel: '' }), service('b', { PortLabel: '8080' })]);
    expect(offeredServices(situation(own))).toMatchObject([
      { Address: 'db.example', Port: 0 },
      { Address: '127.0.0.1', Port: 8080 },
    ]);
  });

  test('of a canary have its own tags, until it is promoted', () => {
    const of = group([service('web', { CanaryTags: ['canary'] })]);
    const { allocation } = situation(of);
    expect(offeredServices(situation(of, { allocation: { ...allocation, Canary: true } }))[0]!.Tags).toEqual([
      'canary',
    ]);
    expect(offeredServices(situation(of))[0]!.Tags).toEqual(['t']);
  });

  test('replace variables as their task has them', () => {
    const of = group([], [service('x-${NOMAD_TASK_NAME}', { Tags: ['of ${NOMAD_TASK_NAME}'] })]);
    expect(offeredServices(situation(of))).toMatchObject([{ ServiceName: 'x-main', Tags: ['of main'] }]);
  });
});
