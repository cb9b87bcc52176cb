import { cpuMsOf } from '@app/testing';
import { compileFilter } from './filter.js';
import { allocationType, deploymentType, evaluationType, jobType, nodeType } from './nomad-types.js';
import type { FilterType } from './type.js';

const deployment = {
  ID: '1f0c3c52-7d0e-4a6b-9c1d-0a4f5b6c7d8e',
  Namespace: 'default',
  JobID: 'shop',
  JobVersion: 0,
  IsMultiregion: false,
  TaskGroups: { web: { DesiredTotal: 2, PlacedAllocs: 1, PlacedCanaries: ['x'], RequireProgressBy: null } },
  Status: 'failed',
  StatusDescription: 'Deployment marked as failed',
  EvalPriority: 41,
  CreateTime: '1795328622742829927',
};

const outcome = (text: string, document: object = deployment, type: FilterType = deploymentType): unknown => {
  const filter = compileFilter(text, type);
  if (!filter.ok) return filter.error;
  const result = filter.value.matches(document);
  return result.ok ? result.value : result.error;
};

describe('a filter on a deployment', () => {
  it.each([
    ['JobID == "shop"', true],
    ['JobID == shop', true],
    ['JobID != "shop"', false],
    ['EvalPriority == 41', true],
    ['EvalPriority == "0x29"', true],
    ['CreateTime == 1795328622742829927', true],
    ['CreateTime == 1795328622742829928', false],
    ['IsMultiregion == false', true],
    ['Status == "failed" and not (EvalPriority == 40 or JobVersion == 5)', true],
    ['Status == x or Status == failed and JobVersion == 1', false],
    ['StatusDescription matches "marked.*failed$"', true],
    ['Status not matches "^run"', true],
    ['Status contains "ail"', true],
    ['"ail" in Status', true],
    ['"ail" not in Status', false],
    ['Namespace is empty', false],
    ['TaskGroups is not empty', true],
    ['"web" in TaskGroups', true],
    ['TaskGroups contains api', false],
    ['TaskGroups.web.PlacedAllocs == 1', true],
    ['TaskGroups["web"].PlacedAllocs == 1', true],
    ['"/TaskGroups/web/PlacedAllocs" == 1', true],
    ['x in TaskGroups.web.PlacedCanaries', true],
    ['TaskGroups.web.PlacedCanaries.0 == x', true],
    ['TaskGroups.api is nil', true],
    ['TaskGroups.api is empty', true],
    ['any TaskGroups as name, group { group.DesiredTotal == 2 and name == web }', true],
    ['all TaskGroups as _, group { group.PlacedAllocs == 2 }', false],
    ['any TaskGroups.web.PlacedCanaries as id { id matches "^x$" }', true],
    ['all TaskGroups.web.PlacedCanaries as i, _ { i == 0 }', true],
    ['( Status == failed )', true],
    ['not not Status == failed', true],
  ])('%s is %s', (text, expected) => expect(outcome(text)).toBe(expected));

  it.each([
    [
      'TaskGroups.api.PlacedAllocs == 1',
      `error finding value in datum: /TaskGroups/api/PlacedAllocs at part 1: couldn't find key "api"`,
    ],
    ['Nope == 1', `error finding value in datum: /Nope at part 0: couldn't find key: struct field with name "Nope"`],
    [
      'JobVersion == "one"',
      'error getting match value in expression: strconv.ParseUint: parsing "one": invalid syntax',
    ],
    ['Status matches "("', 'failed to compile regular expression "(": error parsing regexp: missing closing ): `(`'],
    ['Status.x == 1', 'error finding value in datum: /Status/x: at part 1, invalid value kind: string'],
    ['TaskGroups.web.RequireProgressBy == 1', 'unable to find suitable primitive comparison function for matching'],
    [
      'TaskGroups.web.PlacedCanaries.3 == x',
      'error finding value in datum: /TaskGroups/web/PlacedCanaries/3 at part 3: index 3 is out of range (length = 1)',
    ],
    ['JobVersion matches "1"', 'value of type uint64 is not convertible to []byte'],
    ['JobVersion is empty', 'cannot perform is-empty operations on type uint64 for selector: "JobVersion"'],
    ['Status is nil', 'cannot perform is-nil operations on type string for selector: "Status"'],
    ['1 in JobVersion', 'cannot perform in/contains operations on type uint64 for selector: "JobVersion"'],
    ['any Status as s { s == 1 }', 'Status is not a list or a map'],
    ['any TaskGroups as k { k.x == 1 }', '/k references a string so /k/x is invalid'],
  ])('%s cannot be evaluated', (text, error) => expect(outcome(text)).toBe(error));

  it('stops at the first operand that decides', () => {
    expect(outcome('Status == failed or Nope == 1')).toBe(true);
    expect(outcome('Status == running and Nope == 1')).toBe(false);
  });
});

describe('an expression that cannot be parsed', () => {
  it.each([
    ['Status', '1:7 (6): no match found, expected: "!=", ".", "==", "[", [ \\t\\r\\n] or [a-zA-Z0-9_/]'],
    [
      '((',
      '1:3 (2): no match found, expected: "(", "-", "0", "\\"", "`", "all", "any", "not", [ \\t\\r\\n], [1-9] or [a-zA-Z]',
    ],
    ['A == 1 B', '1:8 (7): no match found, expected: "and", "or", [ \\t\\r\\n] or EOF'],
    ['(A == 1', '1:8 (7): rule "grouping": Unmatched parentheses'],
    ['A == `x', '1:8 (7): rule "string": Unterminated string literal'],
    ['A == 1x', '1:7 (6): rule "number": Invalid number literal'],
    ['A[1] == 2', '1:3 (2): rule "index": Invalid index'],
    ['x in 1', '1:6 (5): rule "match": Invalid selector'],
    ['A == "\\q"', '1:6 (5): rule "string": invalid syntax'],
  ])('%s', (text, error) => expect(outcome(text)).toBe(error));

  it('is one that nests too deeply', () => {
    expect(outcome(`${'('.repeat(5000)}Status == x${')'.repeat(5000)}`)).toContain('nested too deeply');
    expect(outcome(`${'not '.repeat(5000)}Status == x`)).toContain('nested too deeply');
  });

  it('is not one that is merely long', () => {
    const long = Array.from({ length: 2000 }, (_, i) => `JobID == "job-${i}"`);
    expect(outcome(long.join(' or '))).toBe(false);
    expect(outcome(long.join(' and '))).toBe(false);
  });
});

describe('members that a document leaves out', () => {
  it('are zero in an allocation and in an evaluation', () => {
    expect(outcome('NextAllocation is empty and CreateIndex == 0', {}, allocationType)).toBe(true);
    expect(outcome('DeploymentStatus is nil', {}, allocationType)).toBe(true);
    expect(outcome('DesiredTransition.Migrate is nil', {}, allocationType)).toBe(true);
    expect(outcome('TaskStates is empty', {}, allocationType)).toBe(true);
    expect(outcome('DeploymentStatus.Canary == true', {}, allocationType)).toBe(
      'error finding value in datum: /DeploymentStatus/Canary: at part 1, invalid value kind: invalid',
    );
    expect(outcome('JobID == "" and Priority != 51', {}, evaluationType)).toBe(true);
  });

  it('are nil in a job', () => {
    const job = { ID: 'x', Periodic: null, Meta: { number: '2' }, Update: { Stagger: 1 } };
    expect(outcome('Periodic is not nil', job, jobType)).toBe(false);
    expect(outcome('ParentID == "" and ParameterizedJob is nil', job, jobType)).toBe(true);
    expect(outcome('Meta.number == 2 and Meta.other != 2', job, jobType)).toBe(true);
    expect(outcome('Update.Stagger == 1', job, jobType)).toBe(true);
  });
});

it('a node has no Drain, and a drain strategy keeps its specification within', () => {
  const node = { Status: 'ready', DrainStrategy: { Deadline: 5, IgnoreSystemJobs: true } };
  expect(outcome('Status == "ready"', node, nodeType)).toBe(true);
  expect(outcome('Drain == true', node, nodeType)).toContain('struct field with name "Drain"');
  expect(outcome('DrainStrategy.DrainSpec.Deadline == 5', node, nodeType)).toBe(true);
});

describe('a filter with nested quantifiers', () => {
  const nested = (depth: number): string =>
    `${Array.from({ length: depth }, (_, n) => `all Attributes as k${n} { `).join('')}ID is not empty${' }'.repeat(depth)}`;
  const attributes = Object.fromEntries(Array.from({ length: 18 }, (_, n) => [`attribute-${n}`, 'x']));
  const node = { ID: 'a', Attributes: attributes };

  it('is evaluated as long as that is affordable', () => expect(outcome(nested(3), node, nodeType)).toBe(true));

  it('is refused with a sentence when it multiplies', () => {
    const refused = () => expect(outcome(nested(12), node, nodeType)).toContain('takes too many steps');
    expect(cpuMsOf(refused)).toBeLessThan(1_000);
  });

  it('has one budget for all documents of a request, and enough for each to be looked at', () => {
    const looked = (text: string): boolean => {
      const filter = compileFilter(text, nodeType);
      return Array.from({ length: 1_000 }).every(() => filter.ok && filter.value.matches(node).ok);
    };
    expect([looked(nested(3)), looked(nested(1))]).toEqual([false, true]);
  });
});
