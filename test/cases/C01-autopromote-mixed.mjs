// nomad#8139: groups with canaries and auto_promote beside a group without canaries: must promote by itself.
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
  dep,
} from './lib.mjs';
testCase('C01 auto-promote, mixed with a group without canaries (nomad#8139)', async ({ use }) => {
  const J = use(id('c01'));
  const job = service(J, [
    group('api', 2, {}, { Update: update({ Canary: 1, AutoPromote: true }) }),
    group('worker', 2, {}, { Update: update({ Canary: 0 }) }),
  ]);
  await register(job);
  await depAt(J, 0, 'successful');
  const r = await register(changed(job));
  check('no warning about auto_promote', r.Warnings, '');
  const d = await depAt(J, 1, ['successful', 'failed'], 40000);
  check('successful without a promotion by hand', d.Status, 'successful');
  check('api promoted', d.TaskGroups.api.Promoted, true);
  await settle(J);
  const live = run(await allocs(J));
  check(
    '4 allocations of version 1',
    live.map((a) => a.JobVersion),
    [1, 1, 1, 1],
  );
});
