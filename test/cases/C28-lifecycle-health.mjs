// nomad#10058, #9361, #13906, #9542: tasks with lifecycle hooks and the health of a deployment
import {
  testCase,
  id,
  register,
  check,
  get,
  put,
  service,
  group,
  update,
  depAt,
  mock,
  s,
  until,
  allocs,
  changed,
  info,
  sleep,
  run,
  settle,
} from './lib.mjs';
testCase('C28 lifecycle hooks and health (nomad#10058, #9361, #13906, #9542)', async ({ use }) => {
  const L = (Hook, Sidecar, cfg, Name = Hook) => mock(cfg, { Name, Lifecycle: { Hook, Sidecar } });
  const J = use(id('c28'));
  await register(
    service(
      J,
      [
        group(
          'g',
          1,
          {},
          {
            Tasks: [
              mock(),
              L('prestart', false, { run_for: '100ms' }),
              L('poststart', false, { run_for: '100ms' }),
              L('poststop', false, { run_for: '50ms' }),
            ],
          },
        ),
      ],
      update({ MinHealthyTime: s(3) }),
    ),
  );
  const d = await depAt(J, 0, ['successful', 'failed'], 30000);
  check(
    'prestart, poststart (ends before min_healthy_time) and poststop: healthy',
    [d.Status, d.TaskGroups.g.UnhealthyAllocs],
    ['successful', 0],
  );
  const a = (await allocs(J))[0];
  check('states', Object.fromEntries(Object.entries(a.TaskStates).map(([k, v]) => [k, [v.State, v.Failed]])), {
    main: ['running', false],
    prestart: ['dead', false],
    poststart: ['dead', false],
    poststop: ['pending', false],
  });
  const K = id('c28b');
  const r = await put('/v1/jobs', {
    Job: service(K, [group('g', 1, {}, { Tasks: [mock(), L('poststop', true, {})] })]),
  });
  info('poststop with sidecar', [r.status, r.text]);
  if (r.status === 200) {
    use(K);
    const k = await depAt(K, 0, ['successful', 'failed'], 65000).catch(() => null);
    check('#13906: refused, or healthy', k?.Status, 'successful');
  } else check('#13906: refused, or healthy', r.status, 500);
  // 9542: sidecar that exits 0 restarts; sidecar=false must take effect
  const M = use(id('c28c'));
  const job = service(
    M,
    [
      group(
        'g',
        1,
        {},
        {
          RestartPolicy: { Attempts: 50, Interval: s(600), Delay: s(0.5), Mode: 'fail' },
          Tasks: [mock(), L('prestart', true, { run_for: '300ms' })],
        },
      ),
    ],
    update({ ProgressDeadline: s(60), HealthyDeadline: s(40), MinHealthyTime: s(0.1) }),
  );
  await register(job);
  await until('restarts', async () => ((await allocs(M))[0]?.TaskStates?.prestart?.Restarts ?? 0) >= 2, {
    timeout: 15000,
  });
  const fixed = structuredClone(job);
  fixed.TaskGroups[0].Tasks[1].Lifecycle.Sidecar = false;
  await register(fixed);
  await settle(M);
  await sleep(4000);
  const live = (await allocs(M)).filter((x) => x.DesiredStatus === 'run')[0];
  const before = live.TaskStates.prestart.Restarts;
  await sleep(3000);
  const after = (await allocs(M)).find((x) => x.ID === live.ID).TaskStates.prestart;
  info('after the change', [live.JobVersion, before, after.Restarts, after.State]);
  check(
    '#9542: a prestart task that is no sidecar any more is not restarted',
    [after.Restarts - before, after.State],
    [0, 'dead'],
  );
});
