import { canonicalize, validateJob, warningsText } from '@app/domain';
import cases from './validation.json';

interface Answer {
  readonly E: string;
  readonly V?: readonly string[] | null;
  readonly W?: string;
}
const DEFAULTS = { region: 'global', namespace: 'default', nodePool: 'default' };

/** What a real server answers to `PUT /v1/validate/job`: error, validation errors, warnings. */
const told = cases.map(({ name, job, right }) => [name, job, right as Answer] as const);

describe('jobs are validated with the words of a real server', () => {
  test.each(told.filter(([, , { W }]) => W !== undefined))('%s', (_, job, right) => {
    const { errors, errorList, warnings } = validateJob(canonicalize(job, DEFAULTS));
    const V = errorList.length === 0 ? null : errorList;
    expect({ E: errors, V, W: warningsText(warnings) }).toEqual(right);
  });

  test.each(told.filter(([, , { W }]) => W === undefined))(
    'a real server breaks down, this one refuses: %s',
    (_, job) => {
      expect(validateJob(canonicalize(job, DEFAULTS)).errors).toContain('Volume Mount (0) is invalid');
    },
  );
});
