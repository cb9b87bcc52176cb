// A sample job of the early days: docker, port_map, networks of the task, a service with a tcp check. Registered and read back.
import { readFileSync } from 'node:fs';
import { testCase, check, get, put, info, evalDone, s } from './lib.mjs';
const { Job: job } = JSON.parse(readFileSync(new URL('./J1-seed-job.json', import.meta.url), 'utf8'));
testCase('J1 sample job of the early days', async ({ use }) => {
  use(job.ID);
  const v = await put('/v1/validate/job', { Job: job });
  info('validate', v.json ?? v.text);
  const r = await put('/v1/jobs', { Job: job });
  info('register', r.text);
  check('accepted', r.status, 200);
  if (r.status !== 200) return;
  const e = await evalDone(r.json.EvalID);
  info('evaluation', [
    e.Status,
    e.FailedTGAllocs &&
      Object.fromEntries(
        Object.entries(e.FailedTGAllocs).map(([k, m]) => [
          k,
          {
            ConstraintFiltered: m.ConstraintFiltered,
            NodesFiltered: m.NodesFiltered,
            NodesEvaluated: m.NodesEvaluated,
            DimensionExhausted: m.DimensionExhausted,
          },
        ]),
      ),
    e.BlockedEval ? 'blocked eval' : '',
  ]);
  const j = (await get(`/v1/job/${job.ID}`)).json;
  const t0 = job.TaskGroups[0].Tasks[0],
    t1 = j.TaskGroups[0].Tasks[0];
  check('driver config kept', t1.Config, t0.Config);
  check(
    'restart policy kept',
    {
      Attempts: j.TaskGroups[0].RestartPolicy.Attempts,
      Interval: j.TaskGroups[0].RestartPolicy.Interval,
      Delay: j.TaskGroups[0].RestartPolicy.Delay,
      Mode: j.TaskGroups[0].RestartPolicy.Mode,
    },
    job.TaskGroups[0].RestartPolicy,
  );
  check(
    'service and check kept',
    [
      t1.Services[0].Name,
      t1.Services[0].PortLabel,
      t1.Services[0].Tags,
      t1.Services[0].Checks[0].Name,
      t1.Services[0].Checks[0].Type,
      t1.Services[0].Checks[0].Interval,
      t1.Services[0].Checks[0].Timeout,
    ],
    ['redis-cache', 'db', ['global', 'cache'], 'alive', 'tcp', s(10), s(2)],
  );
  check(
    'task network kept',
    [t1.Resources.Networks?.[0]?.DynamicPorts?.[0]?.Label, t1.Resources.Networks?.[0]?.MBits],
    ['db', 10],
  );
  check('max_parallel 0: no deployment', (await get(`/v1/job/${job.ID}/deployment`)).json, null);
  check(
    'tells why it is not placed',
    [
      e.FailedTGAllocs?.cache?.ConstraintFiltered?.['missing drivers'] >= 1,
      e.FailedTGAllocs?.cache?.NodesFiltered,
      j.Status,
    ],
    [true, 2, 'pending'],
  );
});
