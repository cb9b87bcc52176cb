import type { JobSpec, Task, TaskGroup } from '@app/domain';
import { group, rolling, service, task } from '../testing/specs.js';
import { requiresReplacement } from './job-diff-kind.js';

const ofTask = (change: Partial<Task>): JobSpec => service({ Tasks: [task(change)] });
const resources = (change: Partial<Task['Resources']>): JobSpec =>
  ofTask({ Resources: { ...task().Resources, ...change } });
const http = { Label: 'http', Value: 0, To: 80, HostNetwork: 'default' };
const ports = (change: object): Partial<TaskGroup> => ({ Networks: [{ DynamicPorts: [{ ...http, ...change }] }] });
const check = (Path: string) => ({ Name: 'alive', Type: 'http', Path }) as never;
const serving = (change: object): JobSpec =>
  service({ Services: [{ Name: 'shop', Connect: null, ...change } as never] });

describe('changes of a job, by spec/lifecycle §4', () => {
  it.each<[string, JobSpec, JobSpec]>([
    ['another task', service(), service({ Tasks: [task(), task({ Name: 'second' })] })],
    ['a renamed task', service(), ofTask({ Name: 'other' })],
    ['the driver', service(), ofTask({ Driver: 'raw_exec' })],
    ['the user', service(), ofTask({ User: 'nobody' })],
    ['the configuration', service(), ofTask({ Config: { run_for: '20m' } })],
    ['the environment', service(), ofTask({ Env: { A: '1' } })],
    ['meta of the task', service(), ofTask({ Meta: { a: '1' } })],
    ['meta of the group', service(), service({ Meta: { a: '1' } })],
    ['meta of the job', service(), service({}, { Meta: { a: '1' } })],
    ['CPU', service(), resources({ CPU: 200 })],
    ['memory', service(), resources({ MemoryMB: 128 })],
    ['disk', service(), service({ EphemeralDisk: { Sticky: false, SizeMB: 20, Migrate: false } })],
    ['a port', service(), service(ports({}))],
    ['where a port leads to', service(ports({})), service(ports({ To: 81 }))],
    ['volumes', service(), service({ Volumes: { data: { Type: 'host', Source: 'data' } } })],
    ['a service that joins the mesh', serving({}), serving({ Connect: { Native: true } })],
    ['whether logs are kept', service(), ofTask({ LogConfig: { MaxFiles: 10, MaxFileSizeMB: 10, Disabled: true } })],
  ])('%s replaces the tasks', (_name, before, after) => {
    expect(requiresReplacement(before, after, 'web')).toBe(true);
  });

  it.each<[string, JobSpec, JobSpec]>([
    ['nothing', service(), service()],
    ['the count', service(), service({ Count: 9 })],
    ['the update strategy', service(), service({ Update: rolling({ MaxParallel: 3 }) })],
    ['the priority', service(), service({}, { Priority: 80 })],
    ['a constraint', service(), service({ Constraints: [{ LTarget: 'a', Operand: '=', RTarget: 'a' }] })],
    ['the reschedule policy', service(), service({ ReschedulePolicy: null })],
    ['a check', serving({ Checks: [check('/a')] }), serving({ Checks: [check('/b')] })],
    ['kill settings', service(), ofTask({ KillTimeout: 1, KillSignal: 'SIGTERM', ShutdownDelay: 1, Leader: true })],
    ['log sizes', ofTask({ LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1, Disabled: false } }), service()],
    ['the value that a dynamic port was given', service(ports({})), service(ports({ Value: 25_000 }))],
    ['empty instead of absent', service(), ofTask({ Env: {}, Artifacts: [] })],
    ['meta that moves from group to task', service({ Meta: { a: '1' } }), ofTask({ Meta: { a: '1' } })],
  ])('%s does not', (_name, before, after) => {
    expect(requiresReplacement(before, after, 'web')).toBe(false);
  });

  it('a group that was not there before has nothing to keep', () => {
    const after = { ...service(), TaskGroups: [group(), group({ Name: 'api' })] };
    expect(requiresReplacement(service(), after, 'api')).toBe(true);
  });
});
