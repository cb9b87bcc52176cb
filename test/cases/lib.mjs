// Helpers for the cases. BASE: address of the server (Rollbook or a real Nomad). Usage: BASE=http://127.0.0.1:4646 node NAME.mjs
export const BASE = process.env.BASE ?? 'http://127.0.0.1:4646';
export const s = (n) => Math.round(n * 1e9);
export const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const tag = process.env.TAG ?? Math.random().toString(36).slice(2, 7);
export const id = (name) => `${name}-${tag}`;

export async function call(method, path, body, headers = {}) {
  const r = await fetch(BASE + path, {
    method,
    headers,
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    redirect: 'manual',
  });
  const text = await r.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: r.status, text, json, headers: r.headers, index: Number(r.headers.get('x-nomad-index')) };
}
export const get = (p, h) => call('GET', p, undefined, h);
export const put = (p, b, h) => call('PUT', p, b, h);
export const del = (p) => call('DELETE', p);
export const e = encodeURIComponent;

export const mock = (config = {}, extra = {}) => ({
  Name: 'main',
  Driver: 'mock_driver',
  Config: { run_for: '1h', ...config },
  Resources: { CPU: 20, MemoryMB: 16 },
  LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
  KillTimeout: s(1),
  ...extra,
});
export const noRestart = { Attempts: 0, Interval: s(60), Delay: s(0.1), Mode: 'fail' };
export const noResched = { Attempts: 0, Interval: 0, Unlimited: false };
export const group = (Name, Count, config = {}, extra = {}) => ({
  Name,
  Count,
  EphemeralDisk: { SizeMB: 10 },
  RestartPolicy: noRestart,
  Tasks: [mock(config)],
  ...extra,
});
export const update = (x = {}) => ({
  MaxParallel: 1,
  HealthCheck: 'task_states',
  MinHealthyTime: s(0.2),
  HealthyDeadline: s(20),
  ProgressDeadline: s(60),
  ...x,
});
export const service = (ID, groups, Update = update(), extra = {}) => ({
  ID,
  Name: ID,
  Type: 'service',
  Datacenters: ['dc1'],
  Update,
  TaskGroups: groups,
  ...extra,
});
export const batch = (ID, groups, extra = {}) => ({
  ID,
  Name: ID,
  Type: 'batch',
  Datacenters: ['dc1'],
  TaskGroups: groups,
  ...extra,
});
export const clone = (x) => structuredClone(x);
export const changed = (job, TAG = 'v1', fn) => {
  const c = clone(job);
  for (const g of c.TaskGroups) for (const t of g.Tasks) t.Env = { ...t.Env, TAG };
  fn?.(c);
  return c;
};

export async function register(job, opt = {}) {
  const r = await put('/v1/jobs', { Job: job, ...opt });
  if (r.status !== 200) throw new Error(`register ${job.ID}: ${r.status} ${r.text}`);
  return r.json;
}
export async function until(what, fn, { timeout = 30000, every = 200 } = {}) {
  const end = Date.now() + timeout;
  let last;
  while (Date.now() < end) {
    last = await fn();
    if (last) return last;
    await sleep(every);
  }
  throw new Error(`timeout: ${what}`);
}
export const evalDone = (id) =>
  until(`eval ${id}`, async () => {
    const r = await get(`/v1/evaluation/${id}`);
    return r.json && !['pending'].includes(r.json.Status) && r.json;
  });
export const dep = async (job) => (await get(`/v1/job/${e(job)}/deployment`)).json;
export const deps = async (job) => (await get(`/v1/job/${e(job)}/deployments`)).json;
export const allocs = async (job, all = true) => (await get(`/v1/job/${e(job)}/allocations?all=${all}`)).json;
export const depAt = (job, version, status, timeout = 30000) =>
  until(
    `deployment of ${job} v${version} ${status}`,
    async () => {
      const d = await dep(job);
      return d && d.JobVersion === version && (!status || [].concat(status).includes(d.Status)) && d;
    },
    { timeout },
  );
export const run = (list) => list.filter((a) => a.DesiredStatus === 'run' && a.ClientStatus === 'running');
export const settle = (job, timeout = 20000) =>
  until(
    `evals of ${job}`,
    async () => {
      const l = (await get(`/v1/job/${e(job)}/evaluations`)).json;
      return l.every((x) => ['complete', 'failed', 'canceled', 'blocked'].includes(x.Status) || x.WaitUntil) && l;
    },
    { timeout },
  );
export const purge = async (job) => {
  await del(`/v1/job/${e(job)}?purge=true`);
};

const results = [];
const canon = (o) =>
  Array.isArray(o)
    ? o.map(canon)
    : o && typeof o === 'object'
      ? Object.fromEntries(
          Object.entries(o)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([k, v]) => [k, canon(v)]),
        )
      : o;
export function check(name, got, want, note = '') {
  const ok = typeof want === 'function' ? !!want(got) : JSON.stringify(canon(got)) === JSON.stringify(canon(want));
  results.push({ name, ok, got, want: typeof want === 'function' ? note || want.toString() : want });
  console.log(
    `${ok ? 'ok  ' : 'FAIL'} ${name}${ok ? '' : `\n       got:  ${JSON.stringify(got)}\n       want: ${typeof want === 'function' ? note || want.toString() : JSON.stringify(want)}`}`,
  );
  return ok;
}
export const info = (name, v) => console.log(`     ${name}: ${typeof v === 'string' ? v : JSON.stringify(v)}`);
export async function testCase(title, fn, cleanup = []) {
  console.log(`# ${title}   [${BASE}]`);
  const jobs = [];
  try {
    await fn({ use: (j) => (jobs.push(j), j) });
  } catch (err) {
    results.push({ ok: false });
    console.log(`FAIL (exception) ${err.message}`);
  }
  if (!process.env.KEEP) for (const j of jobs) await purge(j);
  console.log(results.every((r) => r.ok) ? 'VERDICT pass' : 'VERDICT FAIL');
  process.exit(results.every((r) => r.ok) ? 0 : 1);
}
