import type { TaskGroup } from '../../nomad.js';
import { canonicalize } from './canonicalize.js';
import recorded from './fixtures/canonical-jobs.json';
import document from './fixtures/documents.json';
import { renderJob } from './render.js';
import { jsonEqual, specChanged } from './spec-changed.js';

const DEFAULTS = { region: 'global', namespace: 'default', nodePool: 'default' };
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const groupOf = (job: object): TaskGroup => {
  const [group] = canonicalize({ ID: 'a', ...job }, DEFAULTS).TaskGroups;
  if (group === undefined) throw new Error('no group');
  return group;
};
const version = (input: unknown) => ({
  version: 0,
  spec: canonicalize(input, DEFAULTS),
  stable: true,
  status: 'running' as const,
  submitTime: 1_795_328_622_742_829,
  createIndex: 1,
  modifyIndex: 3,
  jobModifyIndex: 2,
  versionTag: null,
});

describe('the canonical specification', () => {
  const server =
    'CreateIndex JobModifyIndex ModifyIndex Stable Status StatusDescription SubmitTime Version VersionTag'.split(' ');
  it.each(recorded)('is as recorded: $name', ({ input, job, group, task }) => {
    const { TaskGroups, ...spec } = canonicalize(input, DEFAULTS);
    const [{ Tasks, ...web } = { Tasks: [] }] = TaskGroups;
    expect(plain(spec)).toEqual(Object.fromEntries(Object.entries(job).filter(([key]) => !server.includes(key))));
    expect(plain(web)).toEqual(group);
    expect(plain(Tasks[0])).toEqual(task);
  });

  it('has a type, a name and every datacenter when it says nothing of them', () => {
    expect(canonicalize({ ID: 'web' }, { region: 'north', namespace: 'shop', nodePool: 'gpu' })).toMatchObject({
      Type: 'service',
      Name: 'web',
      Datacenters: ['*'],
      Namespace: 'shop',
      Region: 'north',
      NodePool: 'gpu',
      Priority: 50,
    });
  });

  it('takes the global region for the own one', () => {
    expect(canonicalize({ Region: 'global' }, { ...DEFAULTS, region: 'north' }).Region).toBe('north');
  });

  it('lays the policies of a group over those of its job', () => {
    const group = groupOf({
      Update: { MaxParallel: 3, Canary: 1 },
      Reschedule: { Delay: 7e9 },
      Migrate: { MaxParallel: 4 },
      TaskGroups: [{ Update: { Canary: 2 }, Reschedule: null }],
    });
    expect(group.Update).toMatchObject({ MaxParallel: 3, Canary: 2, HealthCheck: 'checks' });
    expect(group.ReschedulePolicy).toMatchObject({ Delay: 7e9, Unlimited: true });
    expect(group.Migrate).toMatchObject({ MaxParallel: 4, HealthCheck: 'checks' });
  });

  it('lets a batch job be registered again as it was read', () => {
    const batch = canonicalize({ ID: 'a', Type: 'batch', TaskGroups: [{ Name: 'g', Tasks: [] }] }, DEFAULTS);
    expect(canonicalize(plain(renderJob({ ...version({}), spec: batch })), DEFAULTS)).toEqual(batch);
  });

  it('counts as many allocations as scaling wants at least', () => {
    expect(groupOf({ TaskGroups: [{ Name: 'g', Scaling: { Min: 3, Max: 5 } }] })).toMatchObject({
      Count: 3,
      Scaling: {
        Min: 3,
        Max: 5,
        Enabled: true,
        Type: 'horizontal',
        Target: { Namespace: 'default', Job: 'a', Group: 'g' },
      },
    });
  });

  it('asks for no CPU shares when it reserves cores', () => {
    expect(groupOf({ TaskGroups: [{ Tasks: [{ Resources: { Cores: 2 } }] }] }).Tasks[0]?.Resources).toMatchObject({
      CPU: 0,
      Cores: 2,
      MemoryMB: 300,
    });
  });

  it('leaves empty members of networks and ports out, and names the host network', () => {
    const networks = [{ Mode: 'bridge', DynamicPorts: [{ Label: 'http', To: 80 }], ReservedPorts: [], MBits: 0 }];
    expect(groupOf({ TaskGroups: [{ Networks: networks }] }).Networks).toEqual([
      { Mode: 'bridge', DynamicPorts: [{ Label: 'http', To: 80, HostNetwork: 'default' }] },
    ]);
  });

  it('names services after their place', () => {
    const Tasks = [{ Name: 't', Services: [{ PortLabel: 'http', Checks: [{ Type: 'tcp' }] }, { Name: '${BASE}-x' }] }];
    const [task] = groupOf({ TaskGroups: [{ Name: 'g', Services: [{}], Tasks }] }).Tasks;
    expect(task?.Services?.map(({ Name }) => Name)).toEqual(['a-g-t', 'a-g-t-x']);
    expect(task?.Services?.[0]).toMatchObject({
      Provider: 'consul',
      AddressMode: 'auto',
      OnUpdate: 'require_healthy',
      Checks: [{ Name: 'service: "a-g-t" check', OnUpdate: 'require_healthy', CheckRestart: null }],
    });
  });

  it('implies one constraint for all signals of a group, once', () => {
    const Tasks = [{ KillSignal: 'SIGUSR1' }, { Templates: [{ ChangeMode: 'signal', ChangeSignal: 'sighup' }] }];
    const implied = [{ LTarget: '${attr.os.signals}', RTarget: 'SIGHUP,SIGUSR1', Operand: 'set_contains' }];
    expect(groupOf({ TaskGroups: [{ Tasks }] }).Constraints).toEqual(implied);
    expect(groupOf({ TaskGroups: [{ Tasks, Constraints: implied }] }).Constraints).toEqual(implied);
  });
});

describe('the rendered job', () => {
  it('has exactly the members of the recorded one', () => {
    const rendered = plain(renderJob(version(document.input)));
    const index = {
      CreateIndex: '<index>',
      ModifyIndex: '<index>',
      JobModifyIndex: '<index>',
      SubmitTime: '<time ns>',
    };
    expect({ ...(rendered as object), ...index }).toEqual(document.job);
  });

  it('writes its times as integer nanoseconds', () => {
    const tagged = { ...version({}), versionTag: { Name: 'gold', Description: '', TaggedTime: 1_795_328_622_000_001 } };
    expect(JSON.stringify(renderJob(tagged))).toContain('"SubmitTime":1795328622742829000,');
    expect(JSON.stringify(renderJob(tagged))).toContain('"TaggedTime":1795328622000001000}');
  });
});

describe('a changed specification', () => {
  const stored = version({ ID: 'a', Meta: { a: '1', b: '2' }, TaskGroups: [{ Name: 'g' }] });
  it('is not one whose keys come in another order', () => {
    const next = canonicalize({ TaskGroups: [{ Name: 'g' }], Meta: { b: '2', a: '1' }, ID: 'a' }, DEFAULTS);
    expect(specChanged(stored, next)).toBe(false);
  });
  it('is one with another count, meta or stop', () => {
    for (const change of [{ Stop: true }, { Meta: { a: '1' } }, { TaskGroups: [{ Name: 'g', Count: 2 }] }]) {
      expect(
        specChanged(
          stored,
          canonicalize({ ID: 'a', Meta: stored.spec.Meta, TaskGroups: [{ Name: 'g' }], ...change }, DEFAULTS),
        ),
      ).toBe(true);
    }
  });
  it('is one that loses its tag', () => {
    const tag = { Name: 'gold', Description: '', TaggedTime: 1 };
    expect(specChanged({ ...stored, versionTag: tag }, stored.spec)).toBe(true);
    expect(specChanged({ ...stored, versionTag: tag }, stored.spec, { ...tag })).toBe(false);
  });
  it('compares lists by position and tells a list from an object', () => {
    expect(jsonEqual([1, 2], [2, 1])).toBe(false);
    expect(jsonEqual([], {})).toBe(false);
    expect(jsonEqual({ a: undefined }, {})).toBe(true);
  });
});
