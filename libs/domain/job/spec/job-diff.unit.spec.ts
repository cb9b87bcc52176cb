import type { DesiredUpdates } from '../../nomad.js';
import { annotateDiff } from './annotate-diff.js';
import { canonicalize } from './canonicalize.js';
import recorded from './fixtures/differences.json';
import { jobDiff } from './job-diff.js';

const DEFAULTS = { region: 'global', namespace: 'default', nodePool: 'default' };
const specOf = (job: unknown) => (job === null ? null : canonicalize(job, DEFAULTS));
const job = { ID: 'a', TaskGroups: [{ Name: 'g', Tasks: [{ Name: 't', Driver: 'd', Config: { args: ['x'] } }] }] };
const withTask = (task: object) => ({
  ...job,
  TaskGroups: [{ Name: 'g', Tasks: [{ Name: 't', Driver: 'd', Config: { args: ['x'] }, ...task }] }],
});
const annotation = (task: object) =>
  annotateDiff(jobDiff(specOf(job), specOf(withTask(task))), {}).TaskGroups?.[0]?.Tasks?.[0]?.Annotations;

describe('the differences of two specifications', () => {
  it.each(recorded.plans)('are those of the recorded plan: $name', ({ before, after, desired, diff }) => {
    const updates = desired as unknown as Record<string, DesiredUpdates>;
    expect(annotateDiff(jobDiff(specOf(before), specOf(after)), updates)).toEqual(diff);
  });

  it.each(recorded.versions)('are those of the recorded versions: $name', ({ before, after, diff }) => {
    expect(jobDiff(specOf(before), specOf(after))).toEqual(diff);
  });

  it('shows the unchanged fields of a changed block beside the changed ones, unless told not to', () => {
    const [before, after] = [specOf(job), specOf(withTask({ LogConfig: { MaxFiles: 2 } }))];
    const logOf = (contextual: boolean) =>
      jobDiff(before, after, { contextual }).TaskGroups?.[0]?.Tasks?.[0]?.Objects?.[0]?.Fields?.map(
        ({ Name, Type }) => [Name, Type],
      );
    expect(logOf(true)).toEqual([
      ['Disabled', 'None'],
      ['MaxFileSizeMB', 'None'],
      ['MaxFiles', 'Edited'],
    ]);
    expect(logOf(false)).toEqual([['MaxFiles', 'Edited']]);
  });

  it('shows a changed constraint as one that comes and one that goes', () => {
    const constraint = (RTarget: string) => ({ ...job, Constraints: [{ LTarget: 'l', RTarget, Operand: '=' }] });
    const diff = jobDiff(specOf(constraint('a')), specOf(constraint('b')));
    expect(diff.Objects?.map(({ Type, Name }) => [Type, Name])).toEqual([
      ['Added', 'Constraint'],
      ['Deleted', 'Constraint'],
    ]);
  });

  it('is None exactly when registering makes no version (nomad#2551)', () => {
    const constraints = (...values: string[]) => ({
      ...job,
      Constraints: values.map((RTarget) => ({ LTarget: 'l', RTarget, Operand: '=' })),
    });
    const [one, other] = [specOf(constraints('a', 'b')), specOf(constraints('b', 'a'))];
    expect(jobDiff(one, other)).toMatchObject({ Type: 'Edited', Objects: null });
    expect(jobDiff(one, one).Type).toBe('None');
  });

  it.each<[string, string, object, object]>([
    ['Templates', 'Template', { DestPath: 'local/a', EmbeddedTmpl: 'x' }, { DestPath: 'local/a', EmbeddedTmpl: 'y' }],
    [
      'Artifacts',
      'Artifact',
      { GetterSource: 'http://a', RelativeDest: 'x' },
      { GetterSource: 'http://a', RelativeDest: 'y' },
    ],
    ['VolumeMounts', 'VolumeMount', { Volume: 'v', Destination: '/d' }, { Volume: 'w', Destination: '/d' }],
    ['Actions', 'Action', { Name: 'a', Command: 'x' }, { Name: 'a', Command: 'y' }],
  ])('tells a change of one of the %s field by field', (list, name, before, after) => {
    const diff = jobDiff(specOf(withTask({ [list]: [before] })), specOf(withTask({ [list]: [after] })), {
      contextual: false,
    });
    const objects = diff.TaskGroups?.[0]?.Tasks?.[0]?.Objects;
    expect(objects).toMatchObject([{ Type: 'Edited', Name: name, Fields: [{ Type: 'Edited' }] }]);
  });

  it('flattens the configuration of a driver, and matches services by name', () => {
    const objects = (task: object) =>
      jobDiff(specOf(withTask({ Services: [{ Name: 's', Tags: ['a'] }] })), specOf(withTask(task)), {
        contextual: false,
      }).TaskGroups?.[0]?.Tasks?.[0]?.Objects;
    expect(objects({ Config: { args: ['y'] }, Services: [{ Name: 's', Tags: ['b'] }] })).toMatchObject([
      { Type: 'Edited', Name: 'Config', Fields: [{ Name: 'args[0]', Old: 'x', New: 'y' }] },
      {
        Type: 'Edited',
        Name: 'Service',
        Fields: null,
        Objects: [{ Type: 'Edited', Name: 'Tags', Fields: [{ New: 'b' }, { Old: 'a' }] }],
      },
    ]);
  });
});

describe('the annotations of a task', () => {
  it.each([
    [{ KillTimeout: 7e9 }, 'forces in-place update'],
    [{ LogConfig: { MaxFiles: 2 } }, 'forces in-place update'],
    [{ Constraints: [{ LTarget: 'a', RTarget: 'b', Operand: '=' }] }, 'forces in-place update'],
    [{ LogConfig: { Disabled: true } }, 'forces create/destroy update'],
    [{ Driver: 'other' }, 'forces create/destroy update'],
    [{ Resources: { CPU: 200 } }, 'forces create/destroy update'],
  ])('%j: %s', (task, text) => {
    expect(annotation(task)).toEqual([text]);
  });
  it('are absent from a task that stays as it is', () => {
    expect(annotation({})).toBeNull();
  });
});
