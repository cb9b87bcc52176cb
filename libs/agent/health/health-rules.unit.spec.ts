import type { TaskState } from '@app/domain';
import type { TaskInGroup, TaskRole } from '../allocation/lifecycle.js';
import { NEW_TASK } from '../task/task-state.js';
import { mockTask, seconds, taskGroup, updateStrategy } from '../testing/builders.js';
import { assess, healthParameters, isCheckHealthy, unhealthyText, type HealthParameters } from './health-rules.js';

const early = '2030-01-01T00:00:00Z';
const late = '2030-01-01T00:00:09.5Z';
const running = (StartedAt: string): TaskState => ({ ...NEW_TASK, State: 'running', StartedAt });
const dead: TaskState = { ...NEW_TASK, State: 'dead', StartedAt: early, FinishedAt: late };
const failed: TaskState = { ...dead, Failed: true };
const task = (role: TaskRole, state: TaskState): TaskInGroup => ({ name: role, role, leader: false, state });

describe('the tasks of an allocation', () => {
  it.each<[string, TaskInGroup[], object]>([
    [
      'all run: since the latest start',
      [task('main', running(late)), task('prestart-sidecar', running(early))],
      { kind: 'running', since: late },
    ],
    ['one has not started yet', [task('main', running(early)), task('poststart', NEW_TASK)], { kind: 'waiting' }],
    ['one has failed', [task('main', running(early)), task('prestart', failed)], { kind: 'unhealthy' }],
    ['a main task has ended', [task('main', dead)], { kind: 'unhealthy' }],
    [
      'a prestart task has done its work',
      [task('main', running(early)), task('prestart', dead)],
      { kind: 'running', since: early },
    ],
    [
      'a poststart task has done its work',
      [task('main', running(early)), task('poststart', dead)],
      { kind: 'running', since: early },
    ],
    [
      'poststop tasks do not count',
      [task('main', running(early)), task('poststop', NEW_TASK)],
      { kind: 'running', since: early },
    ],
  ])('%s', (_, group, expected) => expect(assess(group)).toEqual(expected));
});

describe('the texts of an unhealthy allocation', () => {
  const parameters: HealthParameters = {
    usesChecks: true,
    minHealthyTime: seconds(2),
    healthyDeadline: seconds(10),
    inDeployment: true,
  };
  const deadline = { atUs: Date.parse('2030-01-01T00:00:10Z') * 1000, passed: true };
  it.each<[TaskState, boolean, string[], string | null]>([
    [failed, false, [], 'Unhealthy because of failed task'],
    [dead, true, [], 'Unhealthy because of dead task'],
    [running(early), false, [], null],
    [NEW_TASK, true, [], 'Task not running by healthy_deadline of 10s'],
    [running(late), true, [], 'Task not running for min_healthy_time of 2s by healthy_deadline of 10s'],
    [running(early), true, ['api', 'web'], 'Services not healthy by deadline: api, web'],
    [running(early), true, [], null],
  ])('%#', (state, passed, services, text) => {
    expect(unhealthyText(state, parameters, { ...deadline, passed }, services)).toBe(text);
  });
});

describe('the rules of health', () => {
  const group = taskGroup([mockTask()]);
  const service = { Type: 'service' } as const;

  it('come from the update strategy within a deployment', () => {
    expect(healthParameters(service, group, 'd1')).toMatchObject({ usesChecks: false, inDeployment: true });
    const checks = { ...group, Update: updateStrategy({ HealthCheck: 'checks' }) };
    expect(healthParameters(service, checks, 'd1')).toMatchObject({ usesChecks: true });
  });

  it('come from the migrate block otherwise', () => {
    expect(healthParameters(service, group, '')).toBeNull();
    const Migrate = { MaxParallel: 1, HealthCheck: 'checks', MinHealthyTime: 1, HealthyDeadline: 2 };
    expect(healthParameters(service, { ...group, Migrate }, '')).toMatchObject({
      minHealthyTime: 1,
      inDeployment: false,
    });
  });

  it('leave batch jobs, manual deployments and empty strategies alone', () => {
    expect(healthParameters({ Type: 'batch' }, group, 'd1')).toBeNull();
    expect(healthParameters(service, { ...group, Update: updateStrategy({ HealthCheck: 'manual' }) }, 'd1')).toBeNull();
    expect(healthParameters(service, { ...group, Update: updateStrategy({ MaxParallel: 0 }) }, 'd1')).toBeNull();
  });
});

it('on_update forgives warnings, or everything, but never a check that has not run yet', () => {
  expect(isCheckHealthy('warning', 'require_healthy')).toBe(false);
  expect(isCheckHealthy('warning', 'ignore_warnings')).toBe(true);
  expect(isCheckHealthy('critical', 'ignore_warnings')).toBe(false);
  expect(isCheckHealthy('critical', 'ignore')).toBe(true);
  expect(isCheckHealthy('pending', 'ignore')).toBe(false);
});
