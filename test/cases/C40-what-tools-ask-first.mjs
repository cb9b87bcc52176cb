// What hashi-ui, wander, the command line, Terraform and Levant ask besides jobs (spec http-api 4.2, 4.8, 4.11, 4.12): an empty answer or a text, never a bare 404
import { testCase, check, get, put, call, service, group, id, register, depAt, allocs, run, sleep } from './lib.mjs';
testCase(
  'C40 endpoints that tools ask for (hashi-ui, wander#130, nomad status, terraform data sources)',
  async ({ use }) => {
    const J = use(id('c40'));
    await register(service(J, [group('web', 1)]));
    await depAt(J, 0, 'successful');
    const a = run(await allocs(J))[0];
    const E = async (m, p, b, want) => {
      const r = await call(m, p, b);
      check(
        `${m} ${p.replace(a.ID, '<alloc>')}`,
        [r.status, r.text.slice(0, 60)],
        typeof want === 'function' ? want : want,
        'see spec',
      );
    };
    await E('GET', '/v1/agent/health', undefined, (v) => v[0] === 200);
    await E('GET', '/v1/regions', undefined, (v) => v[0] === 200);
    await E('GET', '/v1/metrics', undefined, (v) => v[0] === 200);
    await E('GET', '/v1/operator/license', undefined, (v) => v[0] === 204);
    await E('GET', '/v1/volumes?type=csi', undefined, [200, '[]']);
    await E('GET', '/v1/plugins', undefined, [200, '[]']);
    await E('GET', '/v1/services', undefined, [200, '[]']);
    await E('GET', '/v1/scaling/policies', undefined, [200, '[]']);
    await E('GET', '/v1/vars', undefined, [200, '[]']);
    await E('GET', '/v1/quotas', undefined, [501, 'Nomad Enterprise only endpoint']);
    await E('GET', '/v1/acl/policies', undefined, [400, 'ACL support disabled']);
    await E('GET', '/v1/acl/token/self', undefined, (v) => v[0] === 200);
    await E('PUT', '/v1/search', { Prefix: J, Context: 'jobs' }, (v) => v[0] === 200);
    await E('GET', `/v1/allocation/${a.ID}/services`, undefined, [200, '[]']);
    await E('GET', `/v1/job/${J}/services`, undefined, [200, '[]']);
    await E('GET', `/v1/job/${J}/actions`, undefined, (v) => v[0] === 200);
    await E(
      'GET',
      `/v1/job/${J}/submission?version=0`,
      undefined,
      (v) => v[0] === 404 && v[1] === 'job source not found',
    );
    await E('PUT', `/v1/client/allocation/${a.ID}/restart`, { TaskName: '', AllTasks: false }, [200, '{"Index":0}']);
    await sleep(1500);
    const t = (await allocs(J)).find((x) => x.ID === a.ID).TaskStates.main;
    check(
      'alloc restart restarts the task in place',
      [t.Restarts, t.Events.some((e) => e.Type === 'Restart Signaled')],
      [1, true],
    );
    await E('PUT', '/v1/jobs/parse', { JobHCL: 'job "x" {}', Canonicalize: false }, (v) => v[0] === 200);
  },
);
