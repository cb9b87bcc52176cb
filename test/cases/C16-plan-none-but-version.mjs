// nomad#2551 ("plan does not return exit code 1 when job config changes"): Diff.Type is None exactly when registering makes no new version
import { id, register, check, get, put, settle, testCase } from './lib.mjs';
import { changes } from './plan-changes.mjs';

const s = (n) => n * 1e9;
const task = (Name, extra) => ({
  Name,
  Driver: 'mock_driver',
  Config: { run_for: '1h' },
  Resources: { CPU: 20, MemoryMB: 16 },
  KillTimeout: s(1),
  LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
  ...extra,
});
const base = (ID) => ({
  ID,
  Name: ID,
  Type: 'service',
  Datacenters: ['dc1'],
  Meta: { team: 'a' },
  Update: {
    MaxParallel: 1,
    HealthCheck: 'task_states',
    MinHealthyTime: 1e8,
    HealthyDeadline: s(20),
    ProgressDeadline: s(60),
  },
  Constraints: [{ LTarget: '${attr.kernel.name}', Operand: 'is_set', RTarget: '' }],
  TaskGroups: [
    {
      Name: 'web',
      Count: 2,
      EphemeralDisk: { SizeMB: 20 },
      Meta: { tier: '1' },
      ShutdownDelay: 1,
      Networks: [{ Mode: 'host', DynamicPorts: [{ Label: 'http', To: 8080 }] }],
      Services: [{ Name: 'web', PortLabel: 'http', Provider: 'nomad', Tags: ['x'] }],
      RestartPolicy: { Attempts: 1, Interval: s(60), Delay: s(1), Mode: 'fail' },
      Tasks: [
        task('main', { Env: { A: '1' }, Meta: { k: 'v' } }),
        task('side', { Lifecycle: { Hook: 'poststart', Sidecar: true } }),
      ],
    },
  ],
});

testCase('C16 plan says None only if nothing changes (nomad#2551)', async ({ use }) => {
  const J = use(id('c16'));
  await register(base(J));
  await settle(J);
  const version = async () => (await get(`/v1/job/${J}`)).json.Version;
  const wrong = [];
  let compared = 0;
  for (const [name, change] of Object.entries(changes)) {
    const job = base(J);
    change(job);
    const plan = await put(`/v1/job/${J}/plan`, { Job: job, Diff: true });
    const before = await version();
    const registered = await put('/v1/jobs', { Job: job });
    if ((plan.status === 200) !== (registered.status === 200))
      wrong.push(`${name}: plan ${plan.status}, register ${registered.status} ${registered.text}`);
    if (plan.status !== 200 || registered.status !== 200) continue;
    const isNew = (await version()) > before;
    if ((plan.json.Diff.Type !== 'None') !== isNew)
      wrong.push(`${name}: plan says ${plan.json.Diff.Type}, register made ${isNew ? 'a new version' : 'no version'}`);
    compared++;
    await register(base(J));
  }
  check('plans and registrations agree', wrong, []);
  check('nearly every change is admitted', compared > Object.keys(changes).length - 6, true);
});
