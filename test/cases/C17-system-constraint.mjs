// nomad#2381, #12748, #19413, #26868, levant#39: system job of which some nodes are excluded by a constraint is no failure; its deployment ends well
import {
  id,
  register,
  check,
  get,
  put,
  s,
  allocs,
  run,
  evalDone,
  depAt,
  changed,
  group,
  update,
  sleep,
  settle,
  mock,
} from './lib.mjs';
testRun();
async function testRun() {
  const { testCase } = await import('./lib.mjs');
  testCase('C17 system job with a constraint (nomad#2381, #12748, #26868)', async ({ use }) => {
    const n = (await get('/v1/nodes')).json;
    const J = use(id('c17'));
    const job = {
      ID: J,
      Type: 'system',
      Datacenters: ['dc1'],
      Update: update(),
      Constraints: [{ LTarget: '${node.unique.name}', Operand: '=', RTarget: n[0].Name }],
      TaskGroups: [group('g', 1)],
    };
    delete job.TaskGroups[0].RestartPolicy;
    const r = await register(job);
    const e = await evalDone(r.EvalID);
    check(
      'evaluation complete, nothing failed, nothing queued, none blocked',
      [e.Status, e.FailedTGAllocs ?? null, e.QueuedAllocations?.g ?? 0, e.BlockedEval ?? ''],
      ['complete', null, 0, ''],
    );
    const d = await depAt(J, 0, ['successful', 'failed'], 25000);
    check(
      'deployment of the one node',
      [d.Status, d.TaskGroups.g.DesiredTotal, d.TaskGroups.g.HealthyAllocs],
      ['successful', 1, 1],
    );
    const p = (await put(`/v1/job/${J}/plan`, { Job: changed(job), Diff: true })).json;
    check(
      'plan of a change: one destructive, no failure',
      [p.FailedTGAllocs ?? null, p.Annotations.DesiredTGUpdates.g.DestructiveUpdate],
      [null, 1],
    );
    const r2 = await register(changed(job));
    const e2 = await evalDone(r2.EvalID);
    check('update: nothing failed', [e2.FailedTGAllocs ?? null, e2.QueuedAllocations?.g ?? 0], [null, 0]);
    const d2 = await depAt(J, 1, ['successful', 'failed'], 25000);
    check('second deployment', [d2.Status, d2.TaskGroups.g.DesiredTotal], ['successful', 1]);
    // nothing matches at all: what then?
    const K = use(id('c17none'));
    const r3 = await register({
      ...job,
      ID: K,
      Constraints: [{ LTarget: '${node.class}', Operand: '=', RTarget: 'gpu' }],
    });
    const e3 = await evalDone(r3.EvalID);
    check(
      'no node fits: complete, not blocked, no allocation',
      [e3.Status, e3.BlockedEval ?? '', (await allocs(K)).length],
      ['complete', '', 0],
    );
    check(
      'no node fits: every node is counted',
      e3.FailedTGAllocs?.g?.ConstraintFiltered?.['${node.class} = gpu'],
      n.length,
    );
    console.log(
      '     no node fits, FailedTGAllocs:',
      JSON.stringify(
        e3.FailedTGAllocs &&
          Object.fromEntries(Object.entries(e3.FailedTGAllocs).map(([k, v]) => [k, v.ConstraintFiltered])),
      ),
      'job',
      (await get(`/v1/job/${K}`)).json.Status,
      'deployment',
      JSON.stringify((await get(`/v1/job/${K}/deployment`)).json?.Status ?? null),
    );
  });
}
