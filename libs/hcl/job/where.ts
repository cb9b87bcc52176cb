import { quoted } from '@app/kernel';
import { contentOf } from '../body/content.js';
import type { ScopedBlock } from '../body/schema.js';
import { evaluate } from '../evaluate/evaluate.js';
import type { Evaluation } from '../evaluate/scope.js';
import { convert } from '../values/convert.js';
import { showNumber, wholeOf } from '../values/decimal.js';
import { BOOL, NUMBER, STRING, type Type, type Value } from '../values/value.js';

const COMMON = [
  'attribute',
  'operator',
  'regexp',
  'semver',
  'set_contains',
  'set_contains_all',
  'set_contains_any',
  'value',
  'version',
];
const CONSTRAINT: ReadonlyMap<string, Type> = new Map<string, Type>([
  ...[...COMMON, 'distinct_property'].map((name) => [name, STRING] as const),
  ...['distinct_hosts', 'is_set', 'is_not_set'].map((name) => [name, BOOL] as const),
]);
const AFFINITY: ReadonlyMap<string, Type> = new Map<string, Type>([
  ...COMMON.map((name) => [name, STRING] as const),
  ['weight', NUMBER],
]);
/** Short forms: the operator as the name of the attribute that holds the operand. */
const CONSTRAINT_SHORT = ['version', 'semver', 'regexp', 'set_contains'];
const AFFINITY_SHORT = [...CONSTRAINT_SHORT, 'set_contains_all', 'set_contains_any'];

/** A constraint or affinity, in its long form or one of the short ones. */
export function where(kind: 'constraint' | 'affinity', { block, scope }: ScopedBlock, outer: Evaluation): object {
  const evaluation = { ...outer, scope };
  const types = kind === 'constraint' ? CONSTRAINT : AFFINITY;
  const schema = { attributes: [...types.keys()].sort().map((name) => ({ name })), blocks: [] };
  const { attributes } = contentOf(block.body, schema, evaluation);
  const values = new Map<string, Value>();
  for (const [name, { expression }] of attributes) {
    const converted = convert(evaluate(expression, evaluation), types.get(name)!);
    if (converted.ok) values.set(name, converted.value);
    else
      evaluation.diagnostics.add(
        'Incorrect attribute value type',
        `Inappropriate value for attribute ${quoted(name)}: ${converted.problem}.`,
        expression.range,
      );
  }
  const text = (name: string): string | undefined => {
    const value = values.get(name);
    return value?.kind === 'string' ? value.text : undefined;
  };
  let result = { LTarget: text('attribute') ?? '', RTarget: text('value') ?? '', Operand: text('operator') ?? '' };
  for (const short of kind === 'constraint' ? CONSTRAINT_SHORT : AFFINITY_SHORT) {
    const operand = text(short);
    if (operand !== undefined) result = { ...result, Operand: short, RTarget: operand };
  }
  if (kind === 'affinity')
    return { ...withOperand(result), Weight: weightOf(values.get('weight'), block.headRange, evaluation) };
  const hosts = values.get('distinct_hosts');
  if (hosts?.kind === 'bool') result = { ...result, Operand: 'distinct_hosts', RTarget: String(hosts.truth) };
  const property = text('distinct_property');
  if (property !== undefined) result = { ...result, Operand: 'distinct_property', LTarget: property };
  return withOperand(result);
}

const withOperand = <T extends { readonly Operand: string }>(given: T): T => ({
  ...given,
  Operand: given.Operand || '=',
});

function weightOf(
  weight: Value | undefined,
  range: Parameters<Evaluation['diagnostics']['add']>[2],
  { diagnostics }: Evaluation,
): number | null {
  if (weight?.kind !== 'number') return null;
  const whole = wholeOf(weight.number);
  if (whole !== undefined && whole >= -128n && whole <= 127n) return Number(whole);
  diagnostics.add(
    'Unsuitable value type',
    `Unsuitable value: value must be a whole number, between -128 and 127; given ${showNumber(weight.number)}`,
    range,
  );
  return null;
}
