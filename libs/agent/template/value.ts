import { TemplateError } from './template-error.js';

/** What templates work with. Integers are bigints and floats are numbers, so that each prints as Go prints it. */
export type Value = string | bigint | number | boolean | null | undefined | readonly Value[] | Dict | Item;

/** A map. */
export class Dict {
  constructor(
    readonly entries: ReadonlyMap<string, Value>,
    /** What a key that is not there is worth. */
    readonly zero?: Value,
    /** Methods of Go's type: found before the keys. */
    readonly methods: ReadonlyMap<string, Value> = new Map(),
  ) {}
}

/** A struct which prints as a text of its own. */
export class Item {
  constructor(
    readonly text: string,
    readonly fields: ReadonlyMap<string, Value>,
  ) {}
}

/** A function of templates. What it cannot do it throws as a TemplateError. */
export type TemplateFunction = (args: readonly Value[]) => Value;

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** What Go takes for true: everything that is not empty. A struct is. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (value instanceof Dict) return value.entries.size > 0;
  return value instanceof Item || Boolean(value);
}

/** Sorted by key, as Go ranges over maps and prints them. */
export const sortedEntries = ({ entries }: Dict): (readonly [string, Value])[] =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** As Go prints a value. */
export function printed(value: Value): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (typeof value === 'number') return printedFloat(value);
  if (value instanceof Item) return value.text;
  if (value instanceof Dict)
    return `map[${sortedEntries(value)
      .map(([key, one]) => `${key}:${printed(one)}`)
      .join(' ')}]`;
  if (isList(value)) return `[${value.map(printed).join(' ')}]`;
  return String(value);
}

/** Go's `%v` of a float: the shortest digits that lead back to it, with an exponent from 1e+06 on and below 1e-04. */
function printedFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  // Within these bounds JavaScript prints no exponent.
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** @throws TemplateError if it is no text */
export function textOfValue(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Item) return value.text;
  if (value === undefined || value === null) return '';
  if (isList(value) || value instanceof Dict)
    throw new TemplateError(`expected a text, got ${printed(value).slice(0, 100)}`);
  return printed(value);
}

export function listOfValue(value: Value): readonly Value[] {
  if (isList(value)) return value;
  if (value === undefined || value === null) return [];
  throw new TemplateError(`expected a list, got ${printed(value).slice(0, 100)}`);
}

/** @throws TemplateError if it is no whole number that is safe to count with */
export function countOfValue(value: Value): number {
  const count = typeof value === 'bigint' || typeof value === 'number' ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(count))
    throw new TemplateError(`expected a whole number, got ${printed(value).slice(0, 100)}`);
  return count;
}
