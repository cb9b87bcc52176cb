import { anyName, HOSTILE_NAMES } from '@app/testing';
import fc from 'fast-check';
import { canonicalize } from './canonicalize.js';
import { jobDiff } from './job-diff.js';
import { renderJob } from './render.js';
import { specChanged } from './spec-changed.js';
import { validateJob } from './validate.js';

const DEFAULTS = { region: 'global', namespace: 'default', nodePool: 'default' };

const scalar = fc.oneof(
  fc.integer({ min: -5, max: 1_000_000 }),
  fc.boolean(),
  fc.constantFrom(...HOSTILE_NAMES),
  fc.constantFrom('', 'a', 'service', 'batch', 'system', 'signal', 'SIGHUP', '*/5 * * * *'),
  fc.constant(null),
);
/** Objects with some of the names, each with something of the right kind or with anything at all. */
const partly = (members: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(
    Object.fromEntries(
      Object.entries(members).map(([name, member]) => [
        name,
        fc.oneof({ weight: 8, arbitrary: member }, { weight: 1, arbitrary: fc.jsonValue() }),
      ]),
    ),
    { requiredKeys: [] },
  );
const named = (...names: string[]) => partly(Object.fromEntries(names.map((name) => [name, scalar])));
const listOf = (member: fc.Arbitrary<unknown>) => fc.array(member, { maxLength: 2 });
const meta = fc.dictionary(anyName(3), fc.string({ maxLength: 3 }), { maxKeys: 2 });

const constraint = named('LTarget', 'RTarget', 'Operand', 'Weight');
const update = named('Stagger', 'MaxParallel', 'HealthCheck', 'MinHealthyTime', 'AutoPromote', 'Canary');
const reschedule = named('Attempts', 'Interval', 'Delay', 'DelayFunction', 'MaxDelay', 'Unlimited');
const service = partly({ Name: scalar, Provider: scalar, Tags: listOf(scalar), Checks: listOf(named('Name', 'Type')) });
const network = partly({ Mode: scalar, DynamicPorts: listOf(named('Label', 'Value', 'To')), DNS: named('Servers') });
const task = partly({
  Name: scalar,
  Driver: scalar,
  Config: meta,
  Env: meta,
  Services: listOf(service),
  Templates: listOf(named('ChangeMode', 'ChangeSignal', 'DestPath')),
  Vault: named('ChangeMode', 'ChangeSignal'),
  Constraints: listOf(constraint),
  Resources: partly({ CPU: scalar, Cores: scalar, MemoryMB: scalar, Networks: listOf(network) }),
  RestartPolicy: named('Attempts', 'Delay'),
  Lifecycle: named('Hook', 'Sidecar'),
  KillSignal: scalar,
  Identity: named('Name', 'Env'),
});
const group = partly({
  Name: scalar,
  Count: scalar,
  Update: update,
  Migrate: named('MaxParallel'),
  ReschedulePolicy: reschedule,
  RestartPolicy: named('Attempts', 'Mode'),
  Scaling: named('Min', 'Max', 'Enabled'),
  Disconnect: named('LostAfter', 'Replace'),
  EphemeralDisk: named('SizeMB'),
  Tasks: listOf(task),
  Networks: listOf(network),
  Services: listOf(service),
  Constraints: listOf(constraint),
  Volumes: fc.dictionary(anyName(3), named('Type', 'Source'), { maxKeys: 2 }),
  Meta: meta,
});
const job = partly({
  ID: scalar,
  Name: scalar,
  Type: scalar,
  Region: scalar,
  Priority: scalar,
  Datacenters: listOf(scalar),
  TaskGroups: listOf(group),
  Update: update,
  Reschedule: reschedule,
  Migrate: named('MaxParallel'),
  Periodic: named('Enabled', 'Spec', 'SpecType', 'TimeZone'),
  ParameterizedJob: named('Payload'),
  Spreads: listOf(named('Attribute', 'Weight')),
  Meta: meta,
});
const anyJob = fc.oneof({ weight: 4, arbitrary: job }, { weight: 1, arbitrary: fc.jsonValue() });

describe('whatever a job says', () => {
  it('its canonical form is a fixed point, also after a round trip through JSON', () => {
    fc.assert(
      fc.property(anyJob, (input) => {
        const once = canonicalize(input, DEFAULTS);
        expect(canonicalize(once, DEFAULTS)).toEqual(once);
        expect(canonicalize(JSON.parse(JSON.stringify(once)), DEFAULTS)).toEqual(once);
      }),
    );
  });

  it('registering it again as it was read is no change', () => {
    fc.assert(
      fc.property(anyJob, (input) => {
        const spec = canonicalize(input, DEFAULTS);
        const indices = { version: 3, createIndex: 1, modifyIndex: 2, jobModifyIndex: 2, submitTime: 5 };
        const stored = { ...indices, spec, stable: true, status: 'running' as const, versionTag: null };
        const read: unknown = JSON.parse(JSON.stringify(renderJob(stored)));
        expect(specChanged(stored, canonicalize(read, DEFAULTS))).toBe(false);
      }),
    );
  });

  it('it can be validated, and compared with any other', () => {
    fc.assert(
      fc.property(anyJob, anyJob, (left, right) => {
        const [before, after] = [canonicalize(left, DEFAULTS), canonicalize(right, DEFAULTS)];
        expect(validateJob(before).errors === '').toBe(validateJob(before).errorList.length === 0);
        expect(jobDiff(before, before).Type).toBe('None');
        expect(jobDiff(before, after).Type).toMatch(/^(None|Edited)$/);
        expect(jobDiff(null, after).Type).toBe('Added');
        expect(jobDiff(before, null).Type).toBe('Deleted');
      }),
    );
  });

  it('a plan tells a difference exactly when a registration makes a version, and tells of whole lists too', () => {
    fc.assert(
      fc.property(
        anyJob,
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.jsonValue({ maxDepth: 1 })), { maxLength: 3 }),
        (input, edits) => {
          const before = canonicalize(input, DEFAULTS);
          const after = canonicalize(
            edits.reduce((job, [at, how, value]) => edited(job, at, how, value), before as unknown),
            DEFAULTS,
          );
          const changed = specChanged({ spec: before, versionTag: null }, after);
          expect(jobDiff(before, after).Type).toBe(changed ? 'Edited' : 'None');
          expect(jobDiff(after, before).Type).toBe(changed ? 'Edited' : 'None');
        },
      ),
    );
  });
});

/** One place of a job, by its number among all of them, with another value, or left out, or told twice. */
function edited(job: unknown, at: number, how: number, value: unknown): unknown {
  const copy = structuredClone(job);
  const places: { readonly holder: object; readonly key: string }[] = [];
  const walk = (holder: unknown): void => {
    if (typeof holder !== 'object' || holder === null) return;
    for (const [key, member] of Object.entries(holder)) {
      places.push({ holder, key });
      walk(member);
    }
  };
  walk(copy);
  const place = places[at % Math.max(places.length, 1)];
  if (place === undefined) return copy;
  const { holder, key } = place;
  if (Array.isArray(holder)) {
    const i = Number(key);
    if (how % 3 === 0) holder.splice(i, 1);
    else if (how % 3 === 1) holder.splice(i, 0, holder[i]);
    else holder[i] = value;
  } else if (how % 3 === 0) Reflect.deleteProperty(holder, key);
  else Reflect.set(holder, key, value);
  return copy;
}
