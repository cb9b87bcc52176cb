import { quoted } from '@app/kernel';
import type { Affinity, Constraint, Spread } from '../../nomad.js';
import { regexpFault, versionFault } from './conditions.js';
import { multiError } from './multi-error.js';
import { mistakes } from './validate-policies.js';

/* Constraints, affinities and spreads. Source: spec/lifecycle §1.3, recording jobs-invalid. */

const COMPARISONS = ['=', '==', 'is', '!=', 'not', '<', '<=', '>', '>='];
const MATCHERS = ['regexp', 'version', 'semver', 'set_contains', 'set_contains_all', 'set_contains_any'];
const OPERANDS = [...COMPARISONS, ...MATCHERS, 'is_set', 'is_not_set', 'distinct_hosts', 'distinct_property', ''];
/** These look at a job's other allocations and make no sense for one task of a group. */
const NOT_FOR_TASKS = ['distinct_hosts', 'distinct_property'];

function distinctPropertyErrors({ RTarget }: Constraint): string[] {
  if (RTarget === '') return [];
  if (!/^\d+$/.test(RTarget)) return [`Failed to convert RTarget ${quoted(RTarget)} to uint64`];
  return Number(RTarget) < 1 ? [`Distinct Property must have an allowed count of 1 or greater: ${RTarget} < 1`] : [];
}

/** What an operator asks of its right side. `subject` is what version errors speak of. */
function valueErrors({ Operand, RTarget }: Constraint, subject: 'constraint' | 'affinity'): string[] {
  const prefixed = (prefix: string, fault: string | null) => (fault === null ? [] : [`${prefix}: ${fault}`]);
  switch (Operand) {
    case 'regexp':
      return prefixed('Regular expression failed to compile', regexpFault(RTarget));
    case 'version':
      return prefixed(`Version ${subject} is invalid`, versionFault(RTarget, 'version'));
    case 'semver':
      return prefixed(`Semver ${subject} is invalid`, versionFault(RTarget, 'semver'));
    case 'set_contains':
    case 'set_contains_all':
    case 'set_contains_any':
      return RTarget === '' ? [`Set contains ${subject} requires an RTarget`] : [];
    case 'is_set':
    case 'is_not_set':
      return RTarget === '' ? [] : [`Operator ${quoted(Operand)} does not support an RTarget`];
    default:
      return COMPARISONS.includes(Operand) && RTarget === '' ? [`Operator ${quoted(Operand)} requires an RTarget`] : [];
  }
}

export const constraintErrors = (constraint: Constraint): string[] => [
  ...mistakes([[constraint.Operand === '', 'Missing constraint operand']]),
  ...valueErrors(constraint, 'constraint'),
  ...(constraint.Operand === 'distinct_property' ? distinctPropertyErrors(constraint) : []),
  ...mistakes([
    [!OPERANDS.includes(constraint.Operand), `Unknown constraint type ${quoted(constraint.Operand)}`],
    [
      constraint.Operand !== 'distinct_hosts' && constraint.LTarget === '',
      'no attribute provided but is required by operator',
    ],
  ]),
];

export const affinityErrors = (affinity: Affinity): string[] => [
  ...mistakes([[affinity.Operand === '', 'Missing affinity operand']]),
  ...valueErrors(affinity, 'affinity'),
  ...mistakes([
    [
      ![...COMPARISONS, ...MATCHERS, ''].includes(affinity.Operand),
      `Unknown affinity operator ${quoted(affinity.Operand)}`,
    ],
    [affinity.LTarget === '', 'No LTarget provided but is required'],
    [affinity.Weight === 0, 'Affinity weight cannot be zero'],
    [affinity.Weight < -100 || affinity.Weight > 100, 'Affinity weight must be within the range [-100,100]'],
  ]),
];

function spreadErrors(spread: Spread): string[] {
  const targets = spread.SpreadTarget ?? [];
  const sum = targets.reduce((total, { Percent }) => total + Percent, 0);
  const seen = new Set<string>();
  const isRepeated = (value: string): boolean => seen.size === seen.add(value).size;
  return [
    ...mistakes([
      [spread.Attribute === '', 'Missing spread attribute'],
      [spread.Weight <= 0 || spread.Weight > 100, 'Spread block must have a positive weight from 0 to 100'],
    ]),
    ...targets.flatMap(({ Value, Percent }) => {
      const [isTwice, isOutside] = [isRepeated(Value), Percent < 0 || Percent > 100];
      // There may be very many, and quoting takes its time.
      if (!isTwice && !isOutside) return [];
      const name = quoted(Value);
      return mistakes([
        [isTwice, `Spread target value ${name} already defined`],
        [isOutside, `Spread target percentage for value ${name} must be between 0 and 100`],
      ]);
    }),
    ...mistakes([[sum > 100, `Sum of spread target percentages must not be greater than 100%; got ${sum}%`]]),
  ];
}

/** One text for every member of a list that has mistakes, with its position from 1. */
export const inList = <T>(kind: string, list: readonly T[] | null, check: (member: T) => string[]): string[] =>
  (list ?? []).flatMap((member, position) => {
    const errors = check(member);
    return errors.length === 0 ? [] : [`${kind} ${position + 1} validation failed: ${multiError(errors)}`];
  });

interface Placement {
  readonly Constraints: Constraint[] | null;
  readonly Affinities: Affinity[] | null;
  readonly Spreads?: Spread[] | null;
}

/** For a job, a group or a task; system jobs run everywhere and may prefer nothing. */
export function placementErrors(placement: Placement, level: 'job' | 'group' | 'task', jobType: string): string[] {
  const constraints = inList('Constraint', placement.Constraints, constraintErrors);
  const disallowed =
    level !== 'task'
      ? []
      : (placement.Constraints ?? []).flatMap(({ Operand }, position) =>
          NOT_FOR_TASKS.includes(Operand)
            ? [`Constraint ${position + 1} has disallowed Operand at task level: ${Operand}`]
            : [],
        );
  const preferences =
    jobType === 'system'
      ? mistakes([
          [placement.Affinities !== null, 'System jobs may not have an affinity block'],
          [(placement.Spreads ?? null) !== null, 'System jobs may not have a spread block'],
        ])
      : [
          ...inList('Affinity', placement.Affinities, affinityErrors),
          ...inList('Spread', placement.Spreads ?? null, spreadErrors),
        ];
  return [...constraints, ...disallowed, ...preferences];
}
