import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobSpec, JobType, Service, Task, TaskGroup } from '@app/domain';
import { usFromRfc3339 } from '@app/kernel';
import { startAgent, type Agent, type AgentOptions } from './agent.js';
import type { AllocationUpdate } from './protocol.js';
import {
  allocationId,
  allocationOf,
  execTask,
  jobOf,
  mockTask,
  ms,
  seconds,
  silentLog,
  taskGroup,
  updateStrategy,
} from './testing/builders.js';
import { FakeServer } from './testing/fake-server.js';

let server: FakeServer;
let dataDir: string;
const agents: Agent[] = [];

beforeEach(async () => {
  server = await FakeServer.start();
  dataDir = mkdtempSync(join(tmpdir(), 'agent-'));
});
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop({ tasks: 'kill' })));
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(options: Partial<AgentOptions> = {}): Promise<Agent> {
  const agent = await startAgent({
    serverAddress: server.address,
    dataDir,
    nodeName: 'node-1',
    datacenter: 'dc1',
    log: silentLog,
    ...options,
  });
  agents.push(agent);
  return agent;
}

/** Assigns one allocation of a job with these tasks. @returns its id. */
function run(
  tasks: Task | Task[],
  type: JobType = 'service',
  extra: Partial<TaskGroup> & { deployment?: string } = {},
): string {
  const { deployment = '', ...group } = extra;
  server.assign(jobWith(tasks, type, group), allocationOf(1, { DeploymentID: deployment }));
  return allocationId(1);
}
const jobWith = (tasks: Task | Task[], type: JobType, group: Partial<TaskGroup>): JobSpec =>
  jobOf(taskGroup([tasks].flat(), group), type);

const ended = (update: AllocationUpdate): boolean =>
  ['complete', 'failed'].includes(update.ClientStatus) &&
  Object.values(update.TaskStates).every((state) => state.State === 'dead');
const running = (update: AllocationUpdate): boolean => update.ClientStatus === 'running';
const eventsOf = (update: AllocationUpdate, task = 'main'): string[] =>
  update.TaskStates[task]?.Events.map((event) => event.DisplayMessage) ?? [];
const typesOf = (update: AllocationUpdate, task = 'main'): string[] =>
  update.TaskStates[task]?.Events.map((event) => event.Type) ?? [];
const policy = (attempts: number, extra: object = {}): Partial<Task> => ({
  RestartPolicy: {
    Attempts: attempts,
    Interval: seconds(600),
    Delay: ms(20),
    Mode: 'fail',
    RenderTemplates: false,
    ...extra,
  },
});

describe('the node', () => {
  it('registers, becomes ready, and keeps its identity over restarts', async () => {
    const agent = await start();
    await agent.ready;
    expect(server.node).toMatchObject({
      ID: agent.nodeId,
      Name: 'node-1',
      Datacenter: 'dc1',
      NodePool: 'default',
      Attributes: { 'driver.mock_driver': '1', 'driver.raw_exec': '1', 'kernel.name': 'linux' },
      Drivers: {
        mock_driver: {
          Detected: true,
          Healthy: true,
          HealthDescription: 'Healthy',
          Attributes: { 'driver.mock_driver': 'true' },
        },
      },
    });
    expect(statSync(join(dataDir, 'node-secret')).mode & 0o777).toBe(0o600);
    await agent.stop({ tasks: 'leave' });
    const again = await start();
    expect(again.nodeId).toBe(agent.nodeId);
  });

  it('lets no second agent use its directory', async () => {
    await start();
    await expect(start()).rejects.toThrow('is in use by another agent');
  });

  it('registers again with servers that have forgotten it', async () => {
    server.heartbeatTtlMs = 100;
    const agent = await start();
    await agent.ready;
    server.node = null;
    await server.until(() => server.registrations === 2);
    await server.until(() => server.heartbeats >= 2);
  });
});

describe('an allocation', () => {
  it('starts, and is healthy after min_healthy_time', async () => {
    const agent = await start();
    const id = run(mockTask(), 'service', { deployment: 'd1' });
    const update = await server.updateOf(id, (latest) => latest.DeploymentStatus !== null);
    expect(update).toMatchObject({
      ClientStatus: 'running',
      ClientDescription: 'Tasks are running',
      DeploymentStatus: { Healthy: true },
      NetworkStatus: { InterfaceName: '', Address: '', AddressIPv6: '', DNS: null },
    });
    expect(update.TaskStates['main']).toMatchObject({
      State: 'running',
      Failed: false,
      Restarts: 0,
      FinishedAt: null,
      LastRestart: null,
    });
    expect(eventsOf(update)).toEqual(['Task received by client', 'Building Task Directory', 'Task started by client']);
    expect(agent.allocationCount()).toBe(1);
    expect(existsSync(join(dataDir, 'alloc'))).toBe(false);
  });

  it('of a batch job completes, and is looked after no longer', async () => {
    const agent = await start();
    const id = run(mockTask({ run_for: '20ms' }), 'batch');
    const update = await server.updateOf(id, ended);
    expect(update).toMatchObject({
      ClientStatus: 'complete',
      ClientDescription: 'All tasks have completed',
      DeploymentStatus: null,
    });
    expect(eventsOf(update).at(-1)).toBe('Exit Code: 0');
    await server.until(() => agent.allocationCount() === 0);
    server.change(id, { DesiredStatus: 'stop', ClientStatus: 'running' });
    server.assign(jobWith(mockTask(), 'service', {}), allocationOf(2));
    await server.updateOf(allocationId(2), running);
    expect(agent.allocationCount()).toBe(1);
  });

  it('of a crashing task fails once its restarts are used up, and is unhealthy', async () => {
    await start();
    const id = run(mockTask({ run_for: '10ms', exit_code: 1 }, policy(2)), 'service', { deployment: 'd1' });
    const update = await server.updateOf(id, ended);
    expect(update).toMatchObject({
      ClientStatus: 'failed',
      ClientDescription: 'Failed tasks',
      DeploymentStatus: { Healthy: false },
    });
    expect(update.TaskStates['main']).toMatchObject({ Failed: true, Restarts: 2 });
    expect(eventsOf(update)).toContain('Exceeded allowed attempts 2 in interval 10m0s and mode is "fail"');
    expect(typesOf(update).at(-1)).toBe('Alloc Unhealthy');
  });

  it('of mode "delay" waits for the next interval', async () => {
    await start();
    const id = run(mockTask({ run_for: '10ms', exit_code: 1 }, policy(1, { Mode: 'delay' })), 'batch');
    const update = await server.updateOf(id, (latest) => latest.TaskStates['main']?.Restarts === 2);
    expect(update).toMatchObject({ ClientStatus: 'pending', ClientDescription: 'No tasks have started' });
    expect(eventsOf(update).at(-1)).toMatch(
      /^Exceeded allowed attempts, applying a delay - Task restarting in 9m59\.\d+s$/,
    );
  });

  it('whose task cannot be started tells why', async () => {
    await start();
    const id = run(mockTask({ start_error: 'no luck' }, policy(3)), 'batch');
    const update = await server.updateOf(id, ended);
    expect(update.TaskStates['main']).toMatchObject({ StartedAt: null, Failed: true });
    expect(eventsOf(update).slice(-2)).toEqual(['no luck', 'Error was unrecoverable']);
  });

  it.each<[string, Partial<Task>, string, string]>([
    [
      'a misspelt option of its driver',
      { Config: { run_fro: '1h' } },
      'Failed Validation',
      'No argument or block type is named "run_fro"',
    ],
    [
      'a template with an unknown function',
      { Templates: [{ EmbeddedTmpl: '{{ nope }}', DestPath: 'local/x' }] },
      'Setup Failure',
      'Template failed: function "nope" not defined',
    ],
    [
      'a secret',
      { Secrets: [{ Name: 'x', Provider: 'vault' }] },
      'Setup Failure',
      'not supported by this agent: secret',
    ],
  ])('whose task asks for %s fails, and tells it', async (_, change, type, text) => {
    await start();
    const id = run({ ...mockTask(), ...change }, 'batch');
    const update = await server.updateOf(id, ended);
    const told = update.TaskStates['main']?.Events.find((event) => event.Type === type);
    expect(told?.DisplayMessage).toContain(text);
    expect(update.ClientStatus).toBe('failed');
  });

  it('of a mock task has what it says in its logs, unless they are switched off', async () => {
    await start();
    const said = { stdout_string: 'out', stderr_string: 'err', run_for: '10m' };
    const id = run([
      mockTask(said),
      mockTask(said, { Name: 'quiet', LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1, Disabled: true } }),
    ]);
    await server.updateOf(id, running);
    const logs = join(dataDir, 'alloc', id, 'alloc', 'logs');
    await server.until(() => existsSync(join(logs, 'main.stdout.0')) && existsSync(join(logs, 'main.stderr.0')));
    await server.until(() => readFileSync(join(logs, 'main.stdout.0'), 'utf8') === 'out');
    expect(readdirSync(logs).sort()).toEqual(['main.stderr.0', 'main.stdout.0']);
  });

  it('is unhealthy at the healthy deadline although its task goes on restarting', async () => {
    await start();
    const update = updateStrategy({ MinHealthyTime: ms(100), HealthyDeadline: ms(300) });
    const slow = policy(5, { Delay: seconds(30) });
    const id = run(mockTask({ run_for: '10ms', exit_code: 1 }, slow), 'service', { deployment: 'd1', Update: update });
    const latest = await server.updateOf(id, (candidate) => candidate.DeploymentStatus !== null);
    expect(latest).toMatchObject({ ClientStatus: 'pending', DeploymentStatus: { Healthy: false } });
    expect(eventsOf(latest).at(-1)).toBe('Task not running by healthy_deadline of 300ms');
  });

  it('has its health left to the API in mode manual, and found out anew in another deployment', async () => {
    await start();
    const id = run(mockTask(), 'service', { deployment: 'd1', Update: updateStrategy({ HealthCheck: 'manual' }) });
    expect((await server.updateOf(id, running)).DeploymentStatus).toBeNull();
    const automatic = jobWith(mockTask(), 'service', { Update: updateStrategy() });
    server.assign(automatic, allocationOf(1, { DeploymentID: 'd2', JobKey: 'default/job@1', ClientStatus: 'running' }));
    await server.updateOf(id, (update) => update.DeploymentStatus?.Healthy === true);
  });

  it('gets its health for drains from the migrate block where there is no deployment', async () => {
    await start();
    const migrate = { MaxParallel: 1, HealthCheck: 'task_states', MinHealthyTime: ms(30), HealthyDeadline: seconds(5) };
    const id = run(mockTask(), 'service', { Update: null, Migrate: migrate });
    await server.updateOf(id, (update) => update.DeploymentStatus?.Healthy === true);
  });

  it('is stopped in order: the shutdown delay first', async () => {
    await start();
    const id = run(mockTask({}, { ShutdownDelay: ms(50) }));
    await server.updateOf(id, running);
    server.change(id, { DesiredStatus: 'stop' });
    const update = await server.updateOf(id, ended);
    expect(update.ClientStatus).toBe('complete');
    expect(eventsOf(update).slice(3)).toEqual([
      'Sent interrupt. Waiting 1s before force killing',
      'Waiting for shutdown_delay of 50ms before killing the task.',
      'Exit Code: 0',
      'Task successfully killed',
    ]);
  });

  it('skips all shutdown delays if it is told so', async () => {
    await start();
    const id = run(mockTask({}, { ShutdownDelay: seconds(60) }), 'service', { ShutdownDelay: seconds(60) });
    await server.updateOf(id, running);
    server.change(id, { DesiredStatus: 'stop' });
    server.change(id, { NoShutdownDelay: true });
    const update = await server.updateOf(id, ended);
    expect(eventsOf(update)).toContain('Skipping shutdown_delay of 1m0s before killing the task.');
  });

  it('that was stopped before it was seen is not started', async () => {
    await start();
    server.assign(jobWith(mockTask(), 'service', {}), allocationOf(1, { DesiredStatus: 'stop' }));
    const update = await server.updateOf(allocationId(1), ended);
    expect(update).toMatchObject({ ClientStatus: 'complete', TaskStates: { main: { StartedAt: null } } });
  });

  it('is killed and removed with all it has left when the servers do not have it any more', async () => {
    const agent = await start();
    const id = run(execTask('/bin/sleep', ['600']));
    await server.updateOf(id, running);
    expect(existsSync(join(dataDir, 'alloc', id))).toBe(true);
    server.remove(id);
    await server.until(() => agent.allocationCount() === 0 && !existsSync(join(dataDir, 'alloc', id)));
  });

  it('of a batch job ends when it has run for too long', async () => {
    await start();
    const id = run(mockTask(), 'batch', { MaxRunDuration: ms(100) });
    const update = await server.updateOf(id, ended);
    expect(update).toMatchObject({
      ClientStatus: 'complete',
      ClientDescription: 'allocation exceeded max_run_duration',
    });
  });

  it('that cannot be set up has failed', async () => {
    await start();
    server.assign(jobWith(mockTask(), 'service', { Name: 'other' }), allocationOf(1, { DeploymentID: 'd1' }));
    const update = await server.updateOf(allocationId(1), (latest) => latest.ClientStatus === 'failed');
    expect(update.ClientDescription).toBe('Unable to add allocation due to error: task group "web" is not in its job');
    expect(update.DeploymentStatus).toEqual({ Healthy: false, TimestampUs: 0 });
  });
});

describe('the tasks of a group', () => {
  const hook = (name: string, Hook: string, Sidecar: boolean, config = {}): Task =>
    mockTask(config, { Name: name, Lifecycle: { Hook, Sidecar } });

  it('run in the order of their hooks, and poststop at the end', async () => {
    await start();
    const id = run(
      [
        hook('init', 'prestart', false, { run_for: '30ms' }),
        hook('proxy', 'prestart', true),
        mockTask({ run_for: '100ms' }),
        hook('warm', 'poststart', false, { run_for: '10ms' }),
        hook('clean', 'poststop', false, { run_for: '10ms' }),
      ],
      'batch',
    );
    const update = await server.updateOf(id, ended);
    expect(update.ClientStatus).toBe('complete');
    const started = Object.entries(update.TaskStates)
      .sort(([, a], [, b]) => usFromRfc3339(a.StartedAt) - usFromRfc3339(b.StartedAt))
      .map(([name]) => name);
    // Both tasks that come before the main one start at once.
    expect(started.slice(0, 2).toSorted()).toEqual(['init', 'proxy']);
    expect(started.slice(2)).toEqual(['main', 'warm', 'clean']);
    expect(typesOf(update, 'proxy')).toContain('Main Tasks Dead');
    expect(typesOf(update, 'clean')).not.toContain('Killing');
  });

  it('ask servers for nothing more once they are over, while others go on', async () => {
    await start();
    const Templates = [{ EmbeddedTmpl: '{{ nomadVarExists "a" }}', DestPath: 'local/out', ChangeMode: 'noop' }];
    const init = { ...hook('init', 'prestart', false, { run_for: '500ms' }), Templates };
    const id = run([init, mockTask()]);
    await server.until(() => server.waitingReads === 1);
    await server.updateOf(id, (latest) => latest.TaskStates['main']?.State === 'running');
    await server.until(() => server.waitingReads === 0);
  });

  it('nomad#9542: a prestart sidecar that becomes a plain prestart task is not restarted any more', async () => {
    await start();
    const tasks = (sidecar: boolean) => [
      mockTask(),
      { ...hook('init', 'prestart', sidecar, { run_for: '30ms' }), ...policy(1000) },
    ];
    const id = run(tasks(true), 'service');
    await server.updateOf(id, (latest) => (latest.TaskStates['init']?.Restarts ?? 0) >= 2);
    server.assign(
      jobWith(tasks(false), 'service', {}),
      allocationOf(1, { AllocModifyIndex: 2, JobKey: 'default/job@1' }),
    );
    const update = await server.updateOf(id, (latest) => latest.TaskStates['init']?.State === 'dead');
    expect(update).toMatchObject({ ClientStatus: 'running', TaskStates: { init: { Failed: false } } });
  });

  it('die with a sibling that fails', async () => {
    await start();
    const id = run([mockTask({ run_for: '30ms', exit_code: 1 }), mockTask({}, { Name: 'other' })], 'batch');
    const update = await server.updateOf(id, ended);
    expect(update.ClientStatus).toBe('failed');
    expect(eventsOf(update, 'other')).toContain('Task\'s sibling "main" failed');
    expect(update.TaskStates['other']?.Failed).toBe(false);
  });

  it('die with their leader', async () => {
    await start();
    const id = run([mockTask({ run_for: '30ms' }, { Leader: true }), mockTask({}, { Name: 'other' })], 'batch');
    const update = await server.updateOf(id, ended);
    expect(update.ClientStatus).toBe('complete');
    expect(typesOf(update, 'other')).toEqual([
      'Received',
      'Task Setup',
      'Started',
      'Leader Task Dead',
      'Killing',
      'Terminated',
      'Killed',
    ]);
  });
});

describe('services', () => {
  const offering = {
    Services: [{ Name: 'web', Provider: 'nomad', PortLabel: '', Address: '10.0.0.1', Tags: [] } as never],
  };
  const indexOf = (holds: (update: AllocationUpdate) => boolean): number =>
    server.statusRequests.flat().findIndex(holds);

  it('are off before the tasks are killed, and the shutdown_delay of the group begins then', async () => {
    await start();
    const id = run(mockTask(), 'service', { ...offering, ShutdownDelay: ms(300) });
    await server.updateOf(id, (update) => update.Services?.length === 1);
    server.change(id, { DesiredStatus: 'stop' });
    await server.updateOf(id, ended);
    const off = indexOf((update) => update.Services?.length === 0);
    const killed = indexOf((update) => typesOf(update).includes('Killing'));
    expect(off).toBeGreaterThan(0);
    expect(killed).toBeGreaterThan(off);
  });

  it('do not keep tasks alive when servers do not take reports', async () => {
    await start();
    const id = run(mockTask(), 'service', offering);
    await server.updateOf(id, (update) => update.Services?.length === 1);
    server.refusals.push({ status: 503, text: 'away' }, { status: 503, text: 'away' });
    server.change(id, { DesiredStatus: 'stop' });
    await server.until(() => server.refusals.length === 0);
    const update = await server.updateOf(id, ended);
    const told = server.statusRequests.flat().find((one) => one.Services?.length === 0);
    // The first report that was taken tells of the kill already.
    expect(typesOf(told!)).toContain('Killing');
    expect(update.ClientStatus).toBe('complete');
  }, 15_000);
});

describe('an operator', () => {
  it('restarts a task at once, whatever its policy', async () => {
    const agent = await start();
    const id = run(mockTask());
    await server.updateOf(id, running);
    agent.restartTask(id, 'main');
    const update = await server.updateOf(
      id,
      (latest) => typesOf(latest).filter((type) => type === 'Started').length === 2,
    );
    expect(eventsOf(update).slice(3)).toEqual([
      'User requested task to restart',
      'Exit Code: 0',
      'Task restarting in 0s',
      'Task started by client',
    ]);
    expect(() => agent.restartTask(id, 'nope')).toThrow('Could not find task runner for task: nope');
    expect(() => agent.restartTask(allocationId(9))).toThrow('Unknown allocation');
  });

  it('signals a task', async () => {
    const agent = await start();
    const id = run(mockTask({ signal_error: 'not now' }));
    await server.updateOf(id, running);
    await expect(agent.signalTask(id, 'SIGHUP', 'main')).rejects.toThrow('not now');
    const update = await server.updateOf(id, (latest) => typesOf(latest).includes('Signaling'));
    expect(eventsOf(update).at(-1)).toBe('Task being sent signal SIGHUP');
  });
});

describe('checks of services', () => {
  const service = (port: number, extra: object): Service =>
    ({
      Name: 'web',
      TaskName: '',
      PortLabel: String(port),
      AddressMode: 'auto',
      Address: '127.0.0.1',
      Provider: 'nomad',
      OnUpdate: 'require_healthy',
      Checks: [
        {
          Name: 'alive',
          Type: 'http',
          Path: '/health',
          Interval: ms(100),
          Timeout: seconds(1),
          CheckRestart: null,
          OnUpdate: 'require_healthy',
          ...extra,
        },
      ],
    }) as unknown as Service;

  it('hold health up until they pass, and restart a task that they keep failing for', async () => {
    let status = 500;
    const web = createServer((_, response) => response.writeHead(status).end());
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    try {
      await start();
      const restart = { CheckRestart: { Limit: 2, Grace: 0, IgnoreWarnings: false } };
      const id = run(mockTask({}, policy(5)), 'service', {
        deployment: 'd1',
        Update: updateStrategy({ HealthCheck: 'checks' }),
        Services: [service((web.address() as AddressInfo).port, restart)],
      });
      const restarted = await server.updateOf(id, (update) => update.TaskStates['main']?.Restarts === 1);
      expect(eventsOf(restarted)).toContain('healthcheck: check "alive" unhealthy');
      expect(restarted.DeploymentStatus).toBeNull();
      status = 200;
      await server.updateOf(id, (update) => update.DeploymentStatus?.Healthy === true);
    } finally {
      await new Promise((resolve) => web.close(resolve));
    }
  });

  it('that fail until the deadline make the allocation unhealthy', async () => {
    await start();
    const id = run(execTask('/bin/sleep', ['600']), 'service', {
      deployment: 'd1',
      Update: updateStrategy({ HealthCheck: 'checks', HealthyDeadline: ms(800) }),
      Services: [service(1, { Type: 'script', Command: '/bin/false' })],
    });
    const update = await server.updateOf(id, (latest) => latest.DeploymentStatus?.Healthy === false);
    expect(eventsOf(update).at(-1)).toBe('Services not healthy by deadline: web');
  });
});

describe('real processes', () => {
  const log = (id: string, stream = 'stdout'): string =>
    readFileSync(join(dataDir, 'alloc', id, 'alloc', 'logs', `main.${stream}.0`), 'utf8');
  const pidOf = (id: string): number => Number(log(id).trim());
  const lives = (pid: number): boolean => {
    try {
      return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
    } catch {
      return false;
    }
  };
  /** Says its process id and sleeps. */
  const sleeper = (seconds = '600'): Task => execTask('/bin/sh', ['-c', `echo $$; exec sleep ${seconds}`]);

  const supervisedOf = (id: string): Record<'supervisor' | 'task', { pid: number }> =>
    JSON.parse(readFileSync(join(dataDir, 'alloc', id, 'main', 'executor', 'task.json'), 'utf8')) as ReturnType<
      typeof supervisedOf
    >;

  it.each([
    ['/bin/true', [], 'complete', 'Exit Code: 0'],
    ['/bin/sh', ['-c', 'exit 130'], 'failed', 'Exit Code: 130'],
    ['/bin/sh', ['-c', 'kill -9 $$'], 'failed', 'Exit Code: 137, Signal: 9'],
  ])('%s %j: %s, %s', async (command, args, status, text) => {
    await start();
    const update = await server.updateOf(run(execTask(command, args), 'batch'), ended);
    expect(update.ClientStatus).toBe(status);
    expect(eventsOf(update)[3]).toBe(text);
  });

  it('keep the newest of what they say, in files of bounded size and number, over restarts of task and agent', async () => {
    const agent = await start();
    // Three and a half files at a time, a line of 64 bytes each, and one that is longer than a file.
    const lines = 3.5 * 16_384;
    const script = `i=0; seq -f '%063.0f' 1 ${lines}; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo done $$; exec sleep 600`;
    const task = execTask('/bin/sh', ['-c', script], { LogConfig: { MaxFiles: 3, MaxFileSizeMB: 1, Disabled: false } });
    const id = run(task);
    const folder = join(dataDir, 'alloc', id, 'alloc', 'logs');
    const numbers = (): number[] =>
      readdirSync(folder)
        .filter((name) => name.startsWith('main.stdout.'))
        .map((name) => Number(name.slice('main.stdout.'.length)))
        .sort((a, b) => a - b);
    const newest = (): string => readFileSync(join(folder, `main.stdout.${numbers().at(-1)}`), 'utf8');
    await server.updateOf(id, running);
    await server.until(() => /done \d+\n$/.test(newest()));
    const first = numbers();
    expect(first).toHaveLength(3);
    expect(first.at(-1)).toBeGreaterThanOrEqual(6);
    for (const number of first)
      expect(statSync(join(folder, `main.stdout.${number}`)).size).toBeLessThanOrEqual(1024 * 1024);
    await agent.stop({ tasks: 'leave' });
    const again = await start();
    const [, before = ''] = /done (\d+)/.exec(newest()) ?? [];
    await again.ready;
    again.restartTask(id);
    await server.until(() => /done (\d+)\n$/.test(newest()) && !newest().includes(`done ${before}\n`));
    expect(numbers()).toHaveLength(3);
    expect(numbers()[0]).toBeGreaterThan(first.at(-1)! - 3);
  });

  it('cannot lead what they say elsewhere', async () => {
    await start();
    const victim = join(dataDir, 'victim');
    writeFileSync(victim, 'untouched');
    const script = `ln -s ${victim} "$NOMAD_ALLOC_DIR/logs/main.stdout.1"; mkfifo "$NOMAD_ALLOC_DIR/logs/main.stdout.2"
      head -c 1200000 /dev/zero | tr '\\0' x; echo end`;
    const id = run(
      execTask('/bin/sh', ['-c', script], { LogConfig: { MaxFiles: 5, MaxFileSizeMB: 1, Disabled: false } }),
      'batch',
    );
    await server.updateOf(id, ended);
    expect(readFileSync(victim, 'utf8')).toBe('untouched');
    expect(readFileSync(join(dataDir, 'alloc', id, 'alloc', 'logs', 'main.stdout.3'), 'utf8')).toMatch(/xend\n$/);
  });

  it('say everything before their end is told', async () => {
    await start();
    const id = run(execTask('/bin/sh', ['-c', 'seq 1 20000; echo last']), 'batch');
    await server.updateOf(id, ended);
    expect(log(id)).toMatch(/20000\nlast\n$/);
  });

  it('end although somebody who has left their group still holds their output', async () => {
    await start();
    const id = run(execTask('/bin/sh', ['-c', 'setsid sleep 5 & echo over']), 'batch');
    await server.updateOf(id, ended);
    expect(log(id)).toBe('over\n');
  });

  it('that do not exist are a driver failure', async () => {
    await start();
    const update = await server.updateOf(run(execTask('/no/such/command'), 'batch'), ended);
    expect(eventsOf(update).slice(2)).toEqual([
      'failed to launch command with executor: rpc error: code = Unknown desc = binary "/no/such/command" could not be found',
      'Policy allows no restarts',
    ]);
  });

  it('see their environment and nothing of the server, and their output is kept', async () => {
    process.env['DATABASE_URL'] = 'postgres://secret';
    await start();
    const script = 'echo "$NOMAD_ALLOC_INDEX $NOMAD_TASK_NAME $NOMAD_JOB_ID ${COLOR}$DATABASE_URL"; pwd >&2';
    const task = execTask('/bin/sh', ['-c', script], { Env: { COLOR: 'a ${node.datacenter}' } });
    const id = run(task, 'batch');
    expect((await server.updateOf(id, ended)).ClientStatus).toBe('complete');
    expect(log(id)).toBe('1 main job a dc1\n');
    expect(log(id, 'stderr')).toBe(`${join(dataDir, 'alloc', id, 'main')}\n`);
    delete process.env['DATABASE_URL'];
  });

  it('end by SIGINT, and by SIGKILL if they do not after kill_timeout', async () => {
    await start();
    const stubborn = execTask('/bin/sh', ['-c', 'trap "" INT; echo $$; while :; do sleep 1; done'], {
      KillTimeout: ms(300),
    });
    server.assign(jobWith(sleeper(), 'service', {}), allocationOf(1));
    server.assign(
      jobWith(stubborn, 'service', {}),
      allocationOf(2, { JobKey: 'default/stubborn@0', JobID: 'stubborn' }),
    );
    for (const number of [1, 2]) {
      await server.updateOf(allocationId(number), running);
      await server.until(() => log(allocationId(number)) !== '');
      server.change(allocationId(number), { DesiredStatus: 'stop' });
    }
    const polite = await server.updateOf(allocationId(1), ended);
    expect(polite.ClientStatus).toBe('complete');
    expect(eventsOf(polite).slice(3)).toEqual([
      'Sent interrupt. Waiting 1s before force killing',
      'Exit Code: 130, Signal: 2',
      'Task successfully killed',
    ]);
    const killed = await server.updateOf(allocationId(2), ended);
    expect(eventsOf(killed).at(-2)).toBe('Exit Code: 137, Signal: 9');
    expect(lives(pidOf(allocationId(2)))).toBe(false);
  });

  it('go on while their agent is away, and are found again', async () => {
    const agent = await start();
    const id = run(sleeper());
    await server.updateOf(id, running);
    await server.until(() => log(id) !== '');
    await agent.stop({ tasks: 'leave' });
    expect(lives(pidOf(id))).toBe(true);

    await start();
    server.change(id, { DesiredStatus: 'stop' });
    const update = await server.updateOf(id, ended);
    expect(typesOf(update)).toEqual(['Received', 'Task Setup', 'Started', 'Killing', 'Terminated', 'Killed']);
    expect(lives(pidOf(id))).toBe(false);
  });

  it('that end while their agent is away have their exit reported', async () => {
    const agent = await start();
    const id = run(execTask('/bin/sh', ['-c', 'sleep 0.3; exit 7']), 'batch');
    await server.updateOf(id, running);
    await agent.stop({ tasks: 'leave' });
    await server.until(() => existsSync(join(dataDir, 'alloc', id, 'main', 'executor', 'exit.json')));
    await start();
    const update = await server.updateOf(id, ended);
    expect(eventsOf(update).slice(3)).toEqual(['Exit Code: 7', 'Policy allows no restarts']);
  });

  it('that vanish together with their supervisor are reported as failed', async () => {
    const agent = await start();
    const id = run(sleeper(), 'batch');
    await server.updateOf(id, running);
    await agent.stop({ tasks: 'leave' });
    const { supervisor, task } = supervisedOf(id);
    execFileSync('kill', ['-9', String(supervisor.pid), String(task.pid)]);
    await server.until(() => !lives(task.pid));
    await start();
    const update = await server.updateOf(id, ended);
    expect(update.ClientStatus).toBe('failed');
    expect(eventsOf(update)[3]).toBe('Exit Code: -1, Exit Message: "the process is gone and left no exit status"');
  });

  it('whose number was taken over by another process are not mistaken for it', async () => {
    const agent = await start();
    const id = run(sleeper(), 'batch');
    await server.updateOf(id, running);
    await agent.stop({ tasks: 'leave' });
    const { supervisor, task } = supervisedOf(id);
    execFileSync('kill', ['-9', String(supervisor.pid), String(task.pid)]);
    await server.until(() => !lives(task.pid));
    // This very process now bears the numbers of both.
    const journal = join(dataDir, 'state.jsonl');
    const text = readFileSync(journal, 'utf8');
    writeFileSync(
      journal,
      text
        .replaceAll(`"pid":${supervisor.pid}`, `"pid":${process.pid}`)
        .replaceAll(`"pid":${task.pid}`, `"pid":${process.pid}`),
    );
    await start();
    expect((await server.updateOf(id, ended)).ClientStatus).toBe('failed');
  });

  it('that nobody knows of are killed once the servers have told what is assigned', async () => {
    const agent = await start();
    const id = run(sleeper());
    await server.updateOf(id, running);
    await server.until(() => log(id) !== '');
    const pid = pidOf(id);
    await agent.stop({ tasks: 'leave' });
    rmSync(join(dataDir, 'state.jsonl'));
    server.allocations.clear();
    await start();
    await server.until(() => !lives(pid));
  });
});

describe('after a restart of the agent', () => {
  it('mock tasks have the rest of their time left', async () => {
    const agent = await start();
    const id = run(mockTask({ run_for: '400ms' }), 'batch');
    await server.updateOf(id, running);
    await agent.stop({ tasks: 'leave' });
    await start();
    const update = await server.updateOf(id, ended);
    expect(update.ClientStatus).toBe('complete');
    expect(typesOf(update)).toEqual(['Received', 'Task Setup', 'Started', 'Terminated']);
    const { StartedAt, FinishedAt } = update.TaskStates['main'] ?? {};
    expect(Date.parse(FinishedAt ?? '') - Date.parse(StartedAt ?? '')).toBeLessThan(1500);
  });

  it('identities of tasks that were taken up again are renewed in their time', async () => {
    const agent = await start();
    server.identityLifeUs = 4_000_000;
    const id = run(mockTask({}, { Identity: { Name: 'default', File: true } }));
    await server.updateOf(id, running);
    const file = join(dataDir, 'alloc', id, 'main', 'secrets', 'nomad_token');
    await agent.stop({ tasks: 'leave' });
    const { signatures } = server;
    expect(readFileSync(file, 'utf8')).toBe(`token ${signatures}`);
    server.identityLifeUs = 3_600_000_000;
    await start();
    await server.until(() => readFileSync(file, 'utf8') === `token ${signatures + 1}`);
  });

  it('what the servers have stopped meanwhile is killed', async () => {
    const agent = await start();
    const id = run(mockTask());
    await server.updateOf(id, running);
    await agent.stop({ tasks: 'leave' });
    server.allocations.delete(id);
    const again = await start();
    expect(again.allocationCount()).toBe(1);
    await server.until(() => again.allocationCount() === 0);
  });
});

describe('when the servers are away for longer than the time to live', () => {
  const disconnect = { LostAfter: 0, StopOnClientAfter: ms(50), Replace: null, Reconcile: 'best_score' };

  it('everything is reported again afterwards, and what may not go on alone was stopped', async () => {
    server.heartbeatTtlMs = 100;
    await start();
    const job = jobWith(mockTask(), 'service', {});
    const dependent = jobWith(mockTask(), 'service', { Disconnect: disconnect });
    server.assign(job, allocationOf(1));
    server.assign(dependent, allocationOf(2, { JobKey: 'default/dependent@0', JobID: 'dependent' }));
    for (const number of [1, 2]) await server.updateOf(allocationId(number), running);
    server.updates.clear();
    server.isDown = true;
    await server.until(() => server.refused >= 2);
    server.isDown = false;
    expect((await server.updateOf(allocationId(2), ended)).ClientStatus).toBe('complete');
    expect((await server.updateOf(allocationId(1), () => true)).ClientStatus).toBe('running');
  });
});

describe('status updates', () => {
  it('that are refused are sent again after a heartbeat', async () => {
    await start();
    await server.until(() => server.heartbeats === 1);
    server.refusals.push({ status: 500, text: 'node is not allowed to update allocs while in status down' });
    const id = run(mockTask());
    await server.updateOf(id, running);
    expect(server.heartbeats).toBeGreaterThanOrEqual(2);
  });

  it('of thousands of allocations come in few requests of bounded size', async () => {
    const agent = await start();
    const job = jobWith(mockTask(), 'service', { deployment: 'd1' } as Partial<TaskGroup>);
    const count = 2_000;
    server.assign(job, ...Array.from({ length: count }, (_, number) => allocationOf(number)));
    await server.until(() => [...server.updates.values()].filter(running).length === count);
    expect(agent.allocationCount()).toBe(count);
    expect(Math.max(...server.statusRequests.map((updates) => updates.length))).toBe(512);
    expect(server.statusRequests.length).toBeLessThan(20);
  });
});
