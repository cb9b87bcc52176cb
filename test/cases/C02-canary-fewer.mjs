// nomad#19643 (open): a canary trial that also lowers the count must not cut the stable allocations before the promotion;
// after the trial failed with auto_revert the stable count must be complete again.
import {
  testCase,
  service,
  group,
  update,
  id,
  register,
  depAt,
  changed,
  check,
  settle,
  allocs,
  run,
  noResched,
  sleep,
  info,
  until,
} from './lib.mjs';
testCase('C02 canaries with a lower count that fail (nomad#19643)', async ({ use }) => {
  const J = use(id('c02'));
  const job = service(
    J,
    [group('web', 5, {}, { ReschedulePolicy: noResched })],
    update({ Canary: 2, AutoRevert: true, MaxParallel: 5 }),
  );
  await register(job);
  await depAt(J, 0, 'successful');
  const before = run(await allocs(J))
    .map((a) => a.ID)
    .sort();
  await register(
    changed(job, 'bad', (c) => {
      c.TaskGroups[0].Count = 3;
      c.TaskGroups[0].Tasks[0].Config = { run_for: '3s', exit_code: 1 };
      c.Update.MinHealthyTime = 8e9;
    }),
  );
  await depAt(J, 1, 'running');
  await sleep(1500);
  const during = (await allocs(J)).filter((a) => a.JobVersion === 0 && a.DesiredStatus === 'run').length;
  info('stable allocations running during the trial', during);
  const d = await until(
    'revert',
    async () => {
      const x = await import('./lib.mjs');
      const l = await x.deps(J);
      return l.find((y) => y.JobVersion === 2 && y.Status === 'successful');
    },
    { timeout: 40000 },
  );
  await settle(J);
  const live = run(await allocs(J));
  check('after the revert 5 run again', live.length, 5);
  check('stable ones not cut during the trial', during, 5);
});
