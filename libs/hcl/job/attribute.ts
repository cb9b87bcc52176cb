import { parseDuration } from '@app/kernel';
import type { Diagnostics } from '../diagnostics.js';
import { evaluate } from '../evaluate/evaluate.js';
import type { Evaluation } from '../evaluate/scope.js';
import type { Range } from '../source.js';
import { startOf, type Expression } from '../syntax/ast.js';
import { convert } from '../values/convert.js';
import { integer, wholeOf } from '../values/decimal.js';
import { jsonNumber } from '../values/json.js';
import {
  isMapping,
  isSequence,
  listOf,
  mapOf,
  NUMBER,
  STRING,
  BOOL,
  typeOf,
  type Type,
  type Value,
} from '../values/value.js';
import type { AttributeType } from './fields.js';

const HCL_TYPES: Readonly<Record<AttributeType, Type>> = {
  string: STRING,
  bool: BOOL,
  int: NUMBER,
  int8: NUMBER,
  uint8: NUMBER,
  uint64: NUMBER,
  duration: NUMBER,
  strings: listOf(STRING),
  ints: listOf(NUMBER),
  'string-map': mapOf(STRING),
};
const RANGES: Partial<Record<AttributeType, readonly [bigint, bigint]>> = {
  int: [-(2n ** 63n), 2n ** 63n - 1n],
  ints: [-(2n ** 63n), 2n ** 63n - 1n],
  duration: [-(2n ** 63n), 2n ** 63n - 1n],
  int8: [-128n, 127n],
  uint8: [0n, 255n],
  uint64: [0n, 2n ** 64n - 1n],
};

/**
 * The JSON value of an attribute. undefined: it is null, or it is wrong and that was told. Numbers and bools become texts where texts are
 * wanted, texts numbers and bools; durations are texts or nanoseconds.
 */
export function attributeValue(expression: Expression, type: AttributeType, evaluation: Evaluation): unknown {
  const value = evaluate(expression, evaluation);
  const told = new Told(evaluation.diagnostics, startOf(expression));
  if (type === 'duration') return duration(value, told);
  if (value.kind === 'unknown') return told.unsuitable('value must be known');
  const converted = convert(value, HCL_TYPES[type]);
  if (!converted.ok) return told.unsuitable(converted.problem);
  return converted.value.kind === 'null' ? undefined : plain(converted.value, type, told);
}

class Told {
  constructor(
    private readonly diagnostics: Diagnostics,
    private readonly range: Range,
  ) {}

  unsuitable(problem: string): undefined {
    this.add('Unsuitable value type', `Unsuitable value: ${problem}`);
  }

  add(summary: string, detail: string): undefined {
    this.diagnostics.add(summary, detail, this.range);
  }
}

function plain(value: Value, type: AttributeType, told: Told): unknown {
  switch (value.kind) {
    case 'string':
      return value.text;
    case 'bool':
      return value.truth;
    case 'number': {
      const [least, most] = RANGES[type]!;
      const whole = wholeOf(value.number);
      if (whole !== undefined && whole >= least && whole <= most) return jsonNumber(value.number);
      return told.unsuitable(
        least === 0n
          ? `value must be a whole number, between 0 and ${most} inclusive`
          : `value must be a whole number, between ${least} and ${most}`,
      );
    }
    case 'null':
      return told.unsuitable('null value is not allowed');
    case 'unknown':
      return told.unsuitable('value must be known');
    default:
  }
  if (isSequence(value)) return value.items.map((item) => plain(item, type, told));
  return isMapping(value)
    ? Object.fromEntries([...value.members].map(([name, member]) => [name, plain(member, type, told)]))
    : undefined;
}

function duration(given: Value, told: Told): unknown {
  if (given.kind === 'null') return told.add('Unsuitable value', 'Unsuitable duration value: nil');
  if (given.kind === 'string') {
    const parsed = parseDuration(given.text);
    if (!parsed.ok) return told.add('Unsuitable value type', `Unsuitable duration value: ${parsed.problem}`);
    return jsonNumber(integer(parsed.ns));
  }
  if (given.kind === 'number') return plain(given, 'duration', told);
  return told.unsuitable(`expected a string but found ${goType(typeOf(given))}`);
}

/** A type as Go prints the structures that hold it. */
function goType(type: Type): string {
  switch (type.kind) {
    case 'any':
      return '{{{}}}';
    case 'string':
      return '{{{} 83}}';
    case 'number':
      return '{{{} 78}}';
    case 'bool':
      return '{{{} 66}}';
    case 'tuple':
      return `{{{} [${type.elements.map(goType).join(' ')}]}}`;
    case 'object':
      return `{{{} map[${[...type.members].map(([name, member]) => `${name}:${goType(member)}`).join(' ')}] map[]}}`;
    default:
      return `{{{} ${goType(type.element)}}}`;
  }
}
