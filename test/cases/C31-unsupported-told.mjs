// Real job files use blocks that this server, or the node that it chooses, does not serve (docs/compatibility.md).
// What must be: refused with a text, or not placed with a reason, or a task event that tells it - never "running and healthy" without what the block asks for.
import { testCase, id, check, get, put, service, group, update, sleep, allocs, s, evalDone } from './lib.mjs';
const blocks = {
  vault: (g, t) => (t.Vault = { Policies: ['app'], Role: 'app', Env: true, ChangeMode: 'restart' }),
  'artifact (unreachable)': (g, t) =>
    (t.Artifacts = [{ GetterSource: 'http://127.0.0.1:9/app.tgz', RelativeDest: 'local/' }]),
  'host volume': (g, t) => {
    g.Volumes = { d: { Name: 'd', Type: 'host', Source: 'd' } };
    t.VolumeMounts = [{ Volume: 'd', Destination: '/d' }];
  },
  'csi volume': (g, t) => {
    g.Volumes = {
      d: { Name: 'd', Type: 'csi', Source: 'd', AccessMode: 'single-node-writer', AttachmentMode: 'file-system' },
    };
    t.VolumeMounts = [{ Volume: 'd', Destination: '/d' }];
  },
  'csi volume without modes': (g, t) => {
    g.Volumes = { d: { Name: 'd', Type: 'csi', Source: 'd' } };
  },
  'connect sidecar': (g) => {
    g.Networks = [{ Mode: 'bridge' }];
    g.Services = [{ Name: 'x', PortLabel: '9001', Connect: { SidecarService: {} } }];
  },
  'connect native, host network': (g, t) => {
    g.Services = [{ Name: 'x', PortLabel: '9001', TaskName: 'main', Connect: { Native: true } }];
  },
  'consul service with a check': (g) => {
    g.Networks = [{ DynamicPorts: [{ Label: 'http' }] }];
    g.Services = [
      {
        Name: 'x',
        PortLabel: 'http',
        Provider: 'consul',
        Checks: [{ Name: 'c', Type: 'tcp', Interval: s(1), Timeout: s(1) }],
      },
    ];
    g.Update = update({ HealthCheck: 'checks' });
  },
  'nomad service with a failing check': (g) => {
    g.Networks = [{ DynamicPorts: [{ Label: 'http' }] }];
    g.Services = [
      {
        Name: 'x',
        PortLabel: 'http',
        Provider: 'nomad',
        Checks: [{ Name: 'c', Type: 'tcp', Interval: s(1), Timeout: s(1) }],
      },
    ];
    g.Update = update({ HealthCheck: 'checks' });
  },
  secrets: (g, t) => (t.Secrets = [{ Name: 'db', Provider: 'nomad', Path: 'x' }]),
  device: (g, t) => (t.Resources.Devices = [{ Name: 'nvidia/gpu', Count: 1 }]),
  numa: (g, t) => (t.Resources = { Cores: 1, MemoryMB: 16, NUMA: { Affinity: 'require' } }),
  schedule: (g, t) => (t.Schedule = { Cron: { Start: '0 0 8 * * *', End: '0 18', Timezone: 'UTC' } }),
  'bridge network': (g) => (g.Networks = [{ Mode: 'bridge', DynamicPorts: [{ Label: 'http', To: 80 }] }]),
  'cni network': (g) => (g.Networks = [{ Mode: 'cni/mynet' }]),
  'host_network of a port': (g) => (g.Networks = [{ DynamicPorts: [{ Label: 'http', HostNetwork: 'public' }] }]),
  'other user (raw_exec only)': (g, t) => {
    t.Driver = 'raw_exec';
    t.Config = { command: '/bin/sleep', args: ['30'] };
    t.User = 'no-such-user';
  },
  'consul namespace': (g) => (g.Consul = { Namespace: 'ops' }),
  'task scaling policy (dynamic sizing)': (g, t) =>
    (t.ScalingPolicies = [{ Type: 'vertical_mem', Max: 100, Min: 10, Enabled: true, Policy: {} }]),
  'csi plugin': (g, t) => (t.CSIPluginConfig = { ID: 'p', Type: 'node', MountDir: '/csi' }),
  'job: other namespace': (g, t, j) => (j.Namespace = 'team'),
  'job: other node pool': (g, t, j) => (j.NodePool = 'gpu'),
  'job: other region': (g, t, j) => (j.Region = 'eu'),
  'job: multiregion': (g, t, j) =>
    (j.Multiregion = {
      Regions: [
        { Name: 'a', Count: 1 },
        { Name: 'b', Count: 1 },
      ],
    }),
  'job: vault token': (g, t, j) => (j.VaultToken = 'x'),
};
testCase('C31 blocks that are not served are told of', async ({ use }) => {
  const rows = [];
  await Promise.all(
    Object.entries(blocks).map(async ([name, fn], i) => {
      await sleep(i * 60);
      const J = use(id(`c31-${i}`));
      const job = service(
        J,
        [group('g', 1)],
        update({ MinHealthyTime: s(1), HealthyDeadline: s(8), ProgressDeadline: s(9) }),
      );
      fn(job.TaskGroups[0], job.TaskGroups[0].Tasks[0], job);
      const r = await put('/v1/jobs', { Job: job });
      if (r.status !== 200)
        return rows.push([i, name, 'refused', `${r.status} ${r.text.replace(/\s+/g, ' ').slice(0, 170)}`]);
      const w = r.json.Warnings.replace(/\s+/g, ' ');
      const ev = await evalDone(r.json.EvalID);
      if (ev.FailedTGAllocs)
        return rows.push([
          i,
          name,
          'not placed',
          JSON.stringify({ ...ev.FailedTGAllocs.g?.ConstraintFiltered, ...ev.FailedTGAllocs.g?.DimensionExhausted }),
        ]);
      await sleep(4500);
      const a = (await allocs(J))[0];
      const ts = Object.values(a?.TaskStates ?? {})[0];
      const told = ts?.Events.map((x) => x.DisplayMessage)
        .filter((m) => /not support|unsupport|not available|failed|error|unable|no such|unknown/i.test(m))
        .join(' | ');
      const d = (await get(`/v1/job/${J}/deployment`)).json;
      rows.push([
        i,
        name,
        a?.ClientStatus === 'running'
          ? `RUNS${told || w ? '' : ' SILENTLY'}, deployment ${d?.Status}`
          : `${a?.ClientStatus}`,
        `${told ?? ''}${w ? ` [warning: ${w}]` : ''}`,
      ]);
    }),
  );
  rows.sort((a, b) => a[0] - b[0]);
  for (const [, n, k, t] of rows) console.log(`     ${n.padEnd(38)} ${k.padEnd(36)} ${t}`);
  // a real Nomad 2.0 (without Consul, Vault, Enterprise) runs these, too, without a word: not counted here
  const alsoNomad = [
    'consul namespace',
    'task scaling policy (dynamic sizing)',
    'csi plugin',
    'job: vault token',
    'nomad service with a failing check',
  ];
  check(
    'nothing that the agent does not do runs silently',
    rows.filter((r) => r[2].startsWith('RUNS SILENTLY') && !alsoNomad.includes(r[1])).map((r) => r[1]),
    [],
  );
  check('a csi volume needs its modes', rows.find((r) => r[1] === 'csi volume without modes')[2], 'refused');
});
