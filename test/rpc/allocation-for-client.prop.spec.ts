import fc from 'fast-check';
import { canonicalize, renderJob, type AllocationState, type JobSpec } from '@app/domain';
import { allocationForClient, jobForClient } from '@app/client-agents';
import { any, decode, encode, type Any } from '@app/nomad-rpc';
import { faultsOf } from '../../libs/nomad-rpc/testing/simulated-client.js';
import { anyName } from '@app/testing';

const optional = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined });
const names = fc.uniqueArray(
  anyName().filter((name) => name !== ''),
  { minLength: 1, maxLength: 3 },
);

/** Jobs as people send them: with much left out, or null. */
const jobArbitrary = fc.record({
  Type: fc.constantFrom('service', 'batch', 'system', undefined),
  Meta: optional(fc.dictionary(anyName(), fc.string())),
  TaskGroups: names.chain((groups) =>
    fc.tuple(
      ...groups.map((Name) =>
        fc.record({
          Name: fc.constant(Name),
          Count: optional(fc.nat(3)),
          Update: fc.option(fc.constant({})),
          Networks: optional(fc.constant([{ DynamicPorts: [{ Label: 'http' }] }])),
          Tasks: names.chain((tasks) =>
            fc.tuple(
              ...tasks.map((task) =>
                fc.record({
                  Name: fc.constant(task),
                  Driver: fc.constantFrom('docker', 'exec', 'raw_exec'),
                  Config: optional(
                    fc.dictionary(
                      anyName(),
                      fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()),
                    ),
                  ),
                  Env: optional(fc.dictionary(anyName(), fc.string())),
                  LogConfig: fc.option(fc.constant({})),
                  Resources: fc.option(fc.constant({ CPU: 10 })),
                  Templates: optional(fc.constant([{ EmbeddedTmpl: 'x', DestPath: 'local/x' }])),
                }),
              ),
            ),
          ),
        }),
      ),
    ),
  ),
});

const specOf = (input: object): JobSpec =>
  canonicalize(
    { ID: 'job', Name: 'job', Datacenters: ['*'], ...(JSON.parse(JSON.stringify(input)) as object) },
    { region: 'global', namespace: 'default', nodePool: 'default' },
  );

const documentOf = (spec: JobSpec): string =>
  JSON.stringify(
    renderJob({
      spec,
      version: 0,
      createIndex: 1,
      modifyIndex: 1,
      jobModifyIndex: 1,
      submitTime: 1_795_855_295_656_105,
      stable: false,
      status: 'pending',
      statusDescription: '',
      tag: null,
    } as unknown as Parameters<typeof renderJob>[0]),
  );

const ID = '34c0c22f-0bbf-1cac-eeda-b969d5d3b438';
const moment = fc.constantFrom(null, '2026-11-28T08:41:39.175Z');
/** What comes and goes in the life of an allocation. */
const life = fc.record({
  deploymentStatus: fc.option(
    fc.record({
      healthy: fc.constantFrom(null, true, false),
      // Nobody has said yet how a canary is.
      timestamp: fc.constantFrom(0, 1_795_855_295_656_105),
      canary: fc.boolean(),
      modifyIndex: fc.nat(),
    }),
  ),
  taskStates: fc.option(
    fc.dictionary(
      anyName(3),
      fc.record({
        State: fc.constantFrom('pending', 'running', 'dead'),
        Failed: fc.boolean(),
        Restarts: fc.nat(3),
        LastRestart: moment,
        StartedAt: moment,
        FinishedAt: moment,
        Events: fc.constant([{ Type: 'Received', Time: '1795855295656105994', DisplayMessage: '', Details: {} }]),
      }),
      { maxKeys: 2 },
    ),
  ),
  networkStatus: fc.option(
    fc.constant({
      InterfaceName: '',
      Address: '',
      AddressIPv6: '',
      DNS: null,
    } satisfies AllocationState['networkStatus']),
  ),
  desiredTransition: fc.record({ Migrate: fc.constantFrom(null, true), NoShutdownDelay: fc.constantFrom(null, true) }),
});

const stateOf = (spec: JobSpec, group: number, part: object = {}): AllocationState =>
  ({
    id: ID,
    namespace: 'default',
    name: `job.${spec.TaskGroups[group]!.Name}[0]`,
    taskGroup: spec.TaskGroups[group]!.Name,
    jobId: 'job',
    // What an older release may have stored, or nothing at all.
    allocatedResources: { Tasks: {}, TaskLifecycles: {}, Shared: { Networks: null, DiskMB: 0, Ports: null } },
    desiredTransition: {},
    desiredStatus: 'run',
    clientStatus: 'pending',
    stateChanges: [],
    taskStates: null,
    deploymentStatus: null,
    rescheduleTracker: null,
    createTime: 1_795_855_295_656_105,
    modifyTime: 1_795_855_295_656_105,
    createIndex: 1,
    modifyIndex: 2,
    allocModifyIndex: 2,
    ...part,
  }) as unknown as AllocationState;

it('no allocation of any job that can be completed ends the agent that gets it', () => {
  fc.assert(
    fc.property(jobArbitrary, fc.nat(), life, (input, which, part) => {
      const spec = specOf(input);
      const group = which % spec.TaskGroups.length;
      const sent = encode(
        any,
        allocationForClient(stateOf(spec, group, part), jobForClient(documentOf(spec)), new Map([['main', 'a.b.c']])),
      );
      const received = decode(any, sent) as { readonly [key: string]: Any };
      expect(faultsOf(received)).toEqual([]);
      expect(received['TaskGroup']).toBe(spec.TaskGroups[group]!.Name);
    }),
  );
});

it('nanoseconds keep their digits, and a payload becomes bytes', () => {
  const spec = {
    ...specOf({ TaskGroups: [{ Name: 'g', Tasks: [{ Name: 't', Driver: 'exec' }] }] }),
    Payload: Buffer.from('hi\xff', 'latin1').toString('base64'),
  };
  const document = documentOf(spec).replace(/"SubmitTime":\d+/, '"SubmitTime":1795855295656105994');
  const made = decode(any, jobForClient(document).encoded.bytes) as { readonly SubmitTime: bigint };
  expect(made.SubmitTime).toBe(1795855295656105994n);
  expect(jobForClient(document).encoded.bytes.includes(Buffer.from([0xa3, 0x68, 0x69, 0xff]))).toBe(true);
});

it('says what a disconnect block says also as clients before 1.8 read it', () => {
  const Disconnect = { StopOnClientAfter: 60e9, LostAfter: 3600e9, Replace: false };
  const spec = specOf({ TaskGroups: [{ Name: 'web', Disconnect, Tasks: [{ Name: 'main', Driver: 'docker' }] }] });
  const { encoded } = jobForClient(documentOf(spec));
  const { TaskGroups } = decode(any, encoded.bytes) as { TaskGroups: Record<string, Any>[] };
  expect(TaskGroups[0]).toMatchObject({
    Disconnect,
    StopAfterClientDisconnect: 60e9,
    MaxClientDisconnect: 3600e9,
    PreventRescheduleOnLost: true,
  });
});
