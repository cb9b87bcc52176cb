import { ownProperty } from '@app/kernel';
import { DATA_FUNCTIONS } from './data-functions.js';
import { MATH_FUNCTIONS } from './math-functions.js';
import { sprintf } from './printf.js';
import { TemplateError } from './template-error.js';
import {
  countOfValue,
  Dict,
  isList,
  isTrue,
  Item,
  listOfValue,
  printed,
  textOfValue,
  type TemplateFunction,
  type Value,
} from './value.js';
import { TEXT_FUNCTIONS } from './text-functions.js';

/** What two values are compared as. */
function comparable(value: Value): string | bigint | number | boolean | null {
  if (value instanceof Item) return value.text;
  if (isList(value) || value instanceof Dict) throw new TemplateError('non-comparable type');
  return value ?? null;
}

function equal(a: Value, b: Value): boolean {
  const [left, right] = [comparable(a), comparable(b)];
  if (left === null || right === null || typeof left === typeof right) return left === right;
  throw new TemplateError(`incompatible types for comparison: ${printed(a).slice(0, 50)}, ${printed(b).slice(0, 50)}`);
}

/** @returns below 0, 0, above 0 */
function order(a: Value, b: Value): number {
  const [left, right] = [comparable(a), comparable(b)];
  if (left === null || right === null || typeof left !== typeof right || typeof left === 'boolean')
    throw new TemplateError(
      `incompatible types for comparison: ${printed(a).slice(0, 50)}, ${printed(b).slice(0, 50)}`,
    );
  return left < right ? -1 : left > right ? 1 : 0;
}

const ordered =
  (holds: (order: number) => boolean): TemplateFunction =>
  ([a, b]) =>
    holds(order(a, b));

function lengthOf(value: Value): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
  if (isList(value)) return BigInt(value.length);
  if (value instanceof Dict) return BigInt(value.entries.size);
  if (value instanceof Item) return BigInt(Buffer.byteLength(value.text));
  throw new TemplateError(`len of ${printed(value)}`);
}

function indexed(from: Value, key: Value): Value {
  if (from instanceof Dict) {
    const name = textOfValue(key);
    return from.entries.has(name) ? from.entries.get(name) : from.zero;
  }
  if (!isList(from) && typeof from !== 'string') throw new TemplateError(`can't index ${printed(from).slice(0, 100)}`);
  const at = countOfValue(key);
  if (at < 0 || at >= from.length) throw new TemplateError(`index out of range: ${at}`);
  return typeof from === 'string' ? BigInt(from.charCodeAt(at)) : from[at];
}

function sliced([from, begin = 0n, end]: readonly Value[]): Value {
  const whole = isList(from) ? from : textOfValue(from);
  const [start, stop] = [countOfValue(begin), end === undefined ? whole.length : countOfValue(end)];
  if (start < 0 || stop > whole.length || start > stop) throw new TemplateError('slice bounds out of range');
  return whole.slice(start, stop);
}

const has = (list: Value, wanted: Value): boolean => {
  if (typeof list === 'string') return list.includes(textOfValue(wanted));
  const members = list instanceof Dict ? [...list.entries.values()] : listOfValue(list);
  return members.some((one) => printed(one) === printed(wanted));
};
const each =
  (holds: (flags: readonly boolean[]) => boolean): TemplateFunction =>
  ([wanted, list]) => {
    const there = new Set(listOfValue(list).map(printed));
    return holds(listOfValue(wanted).map((one) => there.has(printed(one))));
  };

const MAX_LOOP = 100_000;
const loop: TemplateFunction = ([first, last]) => {
  const [begin, end] = last === undefined ? [0, countOfValue(first)] : [countOfValue(first), countOfValue(last)];
  if (end - begin > MAX_LOOP) throw new TemplateError(`loop of more than ${MAX_LOOP}`);
  return Array.from({ length: Math.max(0, end - begin) }, (_, n) => BigInt(begin + n));
};

/** Functions of Go's templates, and of those that people know from consul-template what needs nothing from outside. */
const PURE_FUNCTIONS: readonly (readonly [string, TemplateFunction])[] = [
  ['eq', ([first, ...others]) => others.some((one) => equal(first, one))],
  ['ne', ([a, b]) => !equal(a, b)],
  ['lt', ordered((sign) => sign < 0)],
  ['le', ordered((sign) => sign <= 0)],
  ['gt', ordered((sign) => sign > 0)],
  ['ge', ordered((sign) => sign >= 0)],
  ['not', ([value]) => !isTrue(value)],
  ['len', ([value]) => lengthOf(value)],
  ['index', ([from, ...keys]) => keys.reduce(indexed, from)],
  ['slice', sliced],
  ['print', (all) => spaced(all)],
  ['println', (all) => `${all.map(printed).join(' ')}\n`],
  ['printf', ([format, ...all]) => sprintf(textOfValue(format), all)],
  ['contains', ([wanted, list]) => has(list, wanted)],
  ['in', ([list, wanted]) => has(list, wanted)],
  ['containsAll', each((flags) => flags.every(Boolean))],
  ['containsAny', each((flags) => flags.some(Boolean))],
  ['containsNone', each((flags) => !flags.some(Boolean))],
  ['containsNotAll', each((flags) => !flags.every(Boolean))],
  ['loop', loop],
  ...TEXT_FUNCTIONS,
  ...DATA_FUNCTIONS,
  ...MATH_FUNCTIONS,
];

/** Functions that need nothing of the servers. */
export function localFunctions(
  env: Readonly<Record<string, string>>,
): readonly (readonly [string, TemplateFunction])[] {
  const variable = (name: Value): string => ownProperty(env, textOfValue(name)) ?? '';
  return [
    ...PURE_FUNCTIONS,
    ['env', ([name]) => variable(name)],
    ['envOrDefault', ([name, byDefault]) => variable(name) || textOfValue(byDefault)],
    [
      'mustEnv',
      ([name]) => {
        if (ownProperty(env, textOfValue(name)) === undefined)
          throw new TemplateError(`mustEnv: ${printed(name)} is not set`);
        return variable(name);
      },
    ],
    ['timestamp', ([format]) => timestamp(format)],
  ];
}

/** The evaluator's own. */
const BUILT_IN = ['and', 'or', 'executeTemplate'];
const REMOTE = ['nomadVar', 'nomadVarExists', 'nomadVarList', 'nomadVarListSafe', 'nomadServices', 'nomadService'];
const KNOWN = new Set([...localFunctions({}).map(([name]) => name), ...BUILT_IN, ...REMOTE]);
/** Functions of consul-template that ask others than Nomad, or that Nomad itself switches off. */
const ELSEWHERE = new Map([
  ...['caLeaf', 'caRoots', 'connect', 'datacenters', 'exportedServices', 'key', 'keyExists', 'keyOrDefault'].map(
    (name) => [name, 'needs Consul'] as const,
  ),
  ...['ls', 'node', 'nodes', 'partitions', 'peerings', 'safeLs', 'safeTree', 'service', 'services', 'tree'].map(
    (name) => [name, 'needs Consul'] as const,
  ),
  ...['pkiCert', 'secret', 'secrets'].map((name) => [name, 'needs Vault'] as const),
  ...['plugin', 'writeToFile'].map((name) => [name, 'is disabled'] as const),
]);

/** @throws TemplateError which names a function that there is not */
export function checkFunction(name: string): void {
  if (KNOWN.has(name)) return;
  const reason = ELSEWHERE.get(name);
  throw new TemplateError(
    reason === undefined
      ? `function ${JSON.stringify(name)} not defined`
      : `function ${JSON.stringify(name)} ${reason}, and is not offered by this agent`,
  );
}

/** Now, in UTC: RFC 3339, `unix`, or by Go's reference time with numbers. */
function timestamp(format: Value): string {
  const iso = new Date().toISOString();
  if (format === undefined) return `${iso.slice(0, 19)}Z`;
  if (format === 'unix') return String(Math.trunc(Date.now() / 1000));
  const [year = '', month = '', day = '', hour = '', minute = '', second = ''] = iso.split(/[-T:.]/);
  const parts = new Map([
    ['2006', year],
    ['01', month],
    ['02', day],
    ['15', hour],
    ['04', minute],
    ['05', second],
    ['MST', 'UTC'],
    ['Z07:00', 'Z'],
    ['-0700', '+0000'],
    ['-07:00', '+00:00'],
  ]);
  return textOfValue(format).replace(/2006|Z07:00|-07:00|-0700|MST|01|02|15|04|05/g, (part) => parts.get(part) ?? part);
}

/** As Go's fmt.Sprint: a space between two values of which neither is a text. */
function spaced(values: readonly Value[]): string {
  const isText = (value: Value): boolean => typeof value === 'string';
  return values
    .map((value, n) => (n > 0 && !isText(value) && !isText(values[n - 1]) ? ` ${printed(value)}` : printed(value)))
    .join('');
}
