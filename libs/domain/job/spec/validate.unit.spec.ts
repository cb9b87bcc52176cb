import { canonicalize } from './canonicalize.js';
import recorded from './fixtures/validations.json';
import { multiError, warningsText } from './multi-error.js';
import { validateChange, validateJob } from './validate.js';

const DEFAULTS = { region: 'global', namespace: 'default', nodePool: 'default' };
const task = { Name: 't', Driver: 'mock_driver' };
const group = { Name: 'g', Tasks: [task] };
const validated = (job: object) => validateJob(canonicalize({ ID: 'a', TaskGroups: [group], ...job }, DEFAULTS));
const inGroup = (text: string) => [`Task group g validation failed: ${multiError([text])}`];
const inTask = (text: string) => inGroup(`Task t validation failed: ${multiError([text])}`);

describe('validation', () => {
  it.each(recorded)('answers as recorded: $name', ({ input, errors, warnings }) => {
    const result = validateJob(canonicalize(input, DEFAULTS));
    expect(result.errors).toBe(errors);
    if (errors === '') expect(warningsText(result.warnings)).toBe(warnings);
  });

  it.each([
    [
      'a system job with a count',
      { Type: 'system', TaskGroups: [{ ...group, Count: 2 }] },
      ['Job task group g has count 2. Count cannot exceed 1 with system scheduler'],
    ],
    ['an empty datacenter', { Datacenters: [''] }, ['Job datacenter must be non-empty string']],
    ['an id with a null character', { ID: 'a\0b', Name: 'a' }, ['Job ID contains a null character']],
    ['a payload', { Payload: 'aGVsbG8=' }, ["job can't be submitted with a payload, only dispatched"]],
    [
      'too many allocations',
      { TaskGroups: [{ ...group, Count: 50_001 }] },
      ['total count was greater than configured job_max_count: 50001 > 50000'],
    ],
    ['the type of internal jobs', { Type: '_core' }, ['job type cannot be core']],
    [
      'a system job that prefers nodes',
      { Type: 'system', Affinities: [{ LTarget: 'a', RTarget: 'b', Operand: '=' }] },
      ['System jobs may not have an affinity block'],
    ],
    [
      'a system job that reschedules',
      { Type: 'system', TaskGroups: [{ ...group, ReschedulePolicy: { Attempts: 1 } }] },
      inGroup('System or sysbatch jobs should not have a reschedule policy'),
    ],
    [
      'a batch job that migrates',
      { Type: 'batch', TaskGroups: [{ ...group, Migrate: {} }] },
      inGroup('Job type "batch" does not allow migrate block'),
    ],
    [
      'a task of a reserved name',
      { TaskGroups: [{ ...group, Tasks: [{ ...task, Name: 'alloc' }] }] },
      inGroup(`Task alloc validation failed: ${multiError(['Task cannot be named "alloc"'])}`),
    ],
    [
      'distinct hosts for a task',
      { TaskGroups: [{ ...group, Tasks: [{ ...task, Constraints: [{ Operand: 'distinct_hosts' }] }] }] },
      inTask('Constraint 1 has disallowed Operand at task level: distinct_hosts'),
    ],
    [
      'a wish to be lost and stopped',
      { TaskGroups: [{ ...group, Disconnect: { LostAfter: 1e9, StopOnClientAfter: 1e9 } }] },
      inGroup('Disconnect cannot be configured with both lost_after and stop_after'),
    ],
    [
      'spread targets above 100 percent',
      {
        Spreads: [
          {
            Attribute: 'a',
            SpreadTarget: [
              { Value: 'x', Percent: 60 },
              { Value: 'y', Percent: 50 },
            ],
          },
        ],
      },
      [
        `Spread 1 validation failed: ${multiError(['Sum of spread target percentages must not be greater than 100%; got 110%'])}`,
      ],
    ],
    [
      'attempts without an interval',
      { TaskGroups: [{ ...group, ReschedulePolicy: { Attempts: 1, Unlimited: true, Interval: 0 } }] },
      [
        `Task group g validation failed: ${multiError(['Interval must be a non zero value if Attempts > 0', 'Reschedule Policy with Attempts = 1, Interval = 0s, and Unlimited = true is ambiguous', 'If Attempts >0, Unlimited cannot also be set to true'])}`,
      ],
    ],
    [
      'attempts that do not fit',
      {
        TaskGroups: [
          {
            ...group,
            ReschedulePolicy: { Attempts: 5, Unlimited: false, Interval: 60e9, Delay: 20e9, DelayFunction: 'constant' },
          },
        ],
      },
      [
        `Task group g validation failed: ${multiError(['Nomad can only make 3 attempts in 1m0s with initial delay 20s and delay function "constant"', 'Set the interval to at least 2m0s to accommodate 5 attempts'])}`,
      ],
    ],
  ])('refuses %s', (_, job, errors) => {
    expect(validated(job).errorList).toEqual(errors);
  });

  it('accepts a job that says as little as possible, of every type', () => {
    for (const Type of ['service', 'batch', 'system', 'sysbatch']) expect(validated({ Type }).errorList).toEqual([]);
  });

  it('warns of replacing everything at once, and takes the old forms of disconnect without a word', () => {
    const warnings = validated({
      TaskGroups: [{ ...group, Count: 2, Update: { MaxParallel: 3 }, PreventRescheduleOnLost: true }],
    }).warnings;
    expect(warnings).toEqual([
      `Group "g" has warnings: ${multiError([
        'Update max parallel count is greater than task group count (3 > 2). A destructive change would result in the simultaneous replacement of all allocations.',
      ])}`,
    ]);
  });
});

describe('the change of a job', () => {
  const of = (job: object) => canonicalize({ ID: 'a', Type: 'batch', ...job }, DEFAULTS);
  const version = (job: object) => ({
    version: 0,
    spec: of(job),
    stable: false,
    status: 'running' as const,
    submitTime: 1,
    createIndex: 1,
    modifyIndex: 1,
    jobModifyIndex: 1,
    versionTag: null,
  });
  it.each([
    [{ Type: 'service' }, {}, 'cannot update job from type "service" to "batch"'],
    [{ Periodic: {} }, {}, 'cannot update periodic job to being non-periodic'],
    [{}, { Periodic: {} }, 'cannot update non-periodic job to being periodic'],
    [{ ParameterizedJob: {} }, {}, 'cannot update parameterized job to being non-parameterized'],
    [{}, { ParameterizedJob: {} }, 'cannot update non-parameterized job to being parameterized'],
    [{}, { Dispatched: true }, "field 'Dispatched' is read-only"],
    [{ Priority: 1 }, { Priority: 2 }, ''],
  ])('from %j to %j: %s', (before, after, text) => {
    expect(validateChange(version(before), of(after))).toBe(text);
  });
  it('of nothing to something dispatched is refused', () => {
    expect(validateChange(undefined, of({ Dispatched: true }))).toBe("job can't be submitted with 'Dispatched' set");
    expect(validateChange(undefined, of({}))).toBe('');
  });
});

describe('texts in the manner of Go', () => {
  it('joins errors and warnings', () => {
    expect(multiError([])).toBe('');
    expect(multiError(['a', 'b'])).toBe('2 errors occurred:\n\t* a\n\t* b\n\n');
    expect(warningsText(['a', 'b'])).toBe('2 warnings:\n\n* a\n* b');
  });
});

describe('validation is bounded', () => {
  it.each([
    ['Count', { Count: 100_001 }, "Task group count can't be greater than 100000"],
    ['Canary', { Update: { Canary: 1e9 } }, 'Canary count can not be greater than 100000: 1000000000'],
  ])('in what a group may ask for: %s', (_name, more, text) => {
    expect(validated({ TaskGroups: [{ ...group, ...more }] }).errors).toContain(text);
  });

  it('by the length of what it reads', () => {
    const targets = Array.from({ length: 100_000 }, (_, n) => ({ Value: String(n), Percent: 0 }));
    const versions = `${' '.repeat(200)}x,`.repeat(20_000);
    const started = performance.now();
    validated({ Spreads: [{ Attribute: 'a', Weight: 1, SpreadTarget: targets }] });
    validated({ Constraints: [{ LTarget: 'a', Operand: 'version', RTarget: versions }] });
    validated({ Constraints: [{ LTarget: 'a', Operand: 'version', RTarget: `${'1a'.repeat(120)}!,`.repeat(10_000) }] });
    expect(performance.now() - started).toBeLessThan(1_500);
  });
});
