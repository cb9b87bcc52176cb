import { canonicalize, validateJob, type Constraint } from '@app/domain';
import cases from './implied-constraints.json';

const DEFAULTS = { region: 'global', namespace: 'default', nodePool: 'default' };
const told = (constraints: readonly Constraint[] | null) =>
  constraints === null ? 0 : constraints.map(({ LTarget, Operand, RTarget }) => `${LTarget} ${Operand} ${RTarget}`);

/** `right`: the constraints that a real server stores at the job, its group and its task; or that it refuses the job. */
test.each(cases.map(({ name, job, right }) => [name, job, right]))('what a node must have: %s', (_, job, right) => {
  const spec = canonicalize(job, DEFAULTS);
  if (right === '404 job not found') {
    expect(validateJob(spec).errors).not.toBe('');
    return;
  }
  const [group] = spec.TaskGroups;
  expect(validateJob(spec).errors).toBe('');
  expect([
    told(spec.Constraints),
    told(group?.Constraints ?? null),
    told(group?.Tasks[0]?.Constraints ?? null),
  ]).toEqual(JSON.parse(right));
});
