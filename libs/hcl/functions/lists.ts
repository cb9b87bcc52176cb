import { convert, set, unified } from '../values/convert.js';
import { add, compare, integer, ZERO, type Decimal } from '../values/decimal.js';
import { keyOf } from '../values/json.js';
import {
  ANY,
  bool,
  compareTexts,
  isMapping,
  isSequence,
  list,
  listOf,
  NUMBER,
  number,
  sameValue,
  setOf,
  STRING,
  tuple,
  typeOf,
  UNKNOWN,
  type Value,
} from '../values/value.js';
import { FunctionProblem, param, problem, textOf, texts, type FunctionTable, type HclFunction } from './function.js';
import { decimalOf, wholeArgument } from './numbers.js';

const MAX_RANGE = 1_024;

export const itemsOf = (value: Value | undefined): readonly Value[] =>
  value !== undefined && isSequence(value) ? value.items : [];

/** Of one type where they have one in common, else as they are. */
export function ofOneType(items: readonly Value[]): Value {
  const type = unified(items.map(typeOf));
  if (type === undefined) return tuple(items);
  return list(
    type,
    items.map((item) => converted(item, type)),
  );
}

function converted(value: Value, type: Parameters<typeof convert>[1]): Value {
  const result = convert(value, type);
  return result.ok ? result.value : problem(result.problem);
}

const sequence = (value: Value | undefined, argument: number): readonly Value[] =>
  value !== undefined && isSequence(value) ? value.items : problem('argument must be list or tuple', argument);

const ofSets = (run: (sets: readonly (readonly Value[])[]) => readonly Value[]): HclFunction => ({
  parameters: [param('first_set', setOf(ANY))],
  rest: param('other_sets', setOf(ANY)),
  run: (args) => {
    const type = unified(args.flatMap((one) => itemsOf(one).map(typeOf)));
    if (type === undefined) return problem('given sets must all have compatible element types');
    return set(type, run(args.map((one) => itemsOf(one).map((item) => converted(item, type)))));
  },
});

export const listFunctions: FunctionTable = {
  chunklist: {
    parameters: [param('list', listOf(ANY)), param('size', NUMBER)],
    run: ([given, size]) => {
      const [items, width] = [itemsOf(given), wholeArgument(size, 1)];
      if (width < 0) return problem('the size argument must be positive');
      const type = given?.kind === 'list' ? given.element : ANY;
      const chunks: Value[] = [];
      for (let at = 0; at < items.length; at += width || items.length) {
        chunks.push(list(type, items.slice(at, at + (width || items.length))));
      }
      return list(listOf(type), chunks);
    },
  },
  coalesce: {
    parameters: [],
    rest: param('vals', ANY, true),
    run: (args) => {
      const type = unified(args.map(typeOf));
      if (type === undefined) return problem('all arguments must have the same type');
      const first = args.find((arg) => arg.kind !== 'null');
      return first === undefined ? problem('no non-null arguments') : converted(first, type);
    },
  },
  coalescelist: {
    parameters: [],
    rest: param('vals', ANY, true),
    run: (args) => {
      if (args.length === 0) return problem('at least one argument is required');
      for (const [i, arg] of args.entries()) {
        if (arg.kind !== 'null' && !isSequence(arg))
          return problem('coalescelist arguments must be lists or tuples', i);
        if (itemsOf(arg).length > 0) return arg;
      }
      return problem('no non-null arguments');
    },
  },
  compact: {
    parameters: [param('list', listOf(STRING))],
    run: ([given]) =>
      texts(
        itemsOf(given)
          .filter((item) => item.kind === 'string' && item.text !== '')
          .map(textOf),
      ),
  },
  concat: {
    parameters: [],
    rest: param('seqs'),
    run: (args) => {
      if (args.length === 0) return problem('at least one argument is required');
      const all = args.flatMap((arg, i) =>
        isSequence(arg) && arg.kind !== 'set'
          ? arg.items
          : problem('all arguments must be lists or tuples; got ' + typeOf(arg).kind, i),
      );
      return args.every((arg) => arg.kind === 'list') ? ofOneType(all) : tuple(all);
    },
  },
  contains: {
    parameters: [param('list'), param('value', ANY, true)],
    run: ([given, value]) => {
      if (given === undefined || !isSequence(given)) return problem('argument must be list, tuple, or set', 0);
      return bool(given.items.some((item) => sameValue(item, value ?? UNKNOWN)));
    },
  },
  distinct: {
    parameters: [param('list', listOf(ANY))],
    run: ([given]) => {
      const distinct = [...new Map(itemsOf(given).map((item) => [keyOf(item), item])).values()];
      return given?.kind === 'list' ? list(given.element, distinct) : tuple(distinct);
    },
  },
  element: {
    parameters: [param('list'), param('index', NUMBER)],
    run: ([given, index]) => {
      if (given === undefined || !isSequence(given) || given.kind === 'set') {
        return problem(`cannot read elements from ${given ? typeOf(given).kind : 'nothing'}`, 0);
      }
      const at = wholeArgument(index, 1);
      if (at < 0) return problem('cannot use element function with a negative index');
      return given.items[at % given.items.length] ?? problem('cannot use element function with an empty list');
    },
  },
  flatten: {
    parameters: [param('list')],
    run: ([given]) => {
      if (given === undefined || !isSequence(given)) return problem('can only flatten lists, sets and tuples');
      const flat = (items: readonly Value[]): Value[] =>
        items.flatMap((item) => (isSequence(item) ? flat(item.items) : [item]));
      return tuple(flat(given.items));
    },
  },
  range: {
    parameters: [],
    rest: param('params', NUMBER),
    run: (args) => range(args.map(decimalOf)),
  },
  setintersection: ofSets(([first = [], ...others]) => {
    const keys = others.map((one) => new Set(one.map(keyOf)));
    return first.filter((item) => keys.every((of) => of.has(keyOf(item))));
  }),
  setunion: ofSets((sets) => sets.flat()),
  setproduct: {
    parameters: [],
    rest: param('sets'),
    run: (args, budget) => {
      if (args.length < 2) return problem('at least two arguments are required');
      const sides = args.map((arg, i) => itemsOf(ofOneType(sequence(arg, i))));
      budget.spend(sides.reduce((product, side) => product * side.length, args.length));
      const rows = sides.reduce<readonly (readonly Value[])[]>(
        (sum, side) => sum.flatMap((row) => side.map((item) => [...row, item])),
        [[]],
      );
      const products = rows.map((row) => tuple(row));
      return args.every((arg) => arg.kind === 'set') ? set(ANY, products) : ofOneType(products);
    },
  },
  slice: {
    parameters: [param('list'), param('start_index', NUMBER), param('end_index', NUMBER)],
    run: ([given, start, end]) => {
      const items =
        given?.kind === 'set'
          ? problem(
              'cannot slice a set, because its elements do not have indices; explicitly convert to a list if the ordering of the result is not important',
              0,
            )
          : sequence(given, 0);
      const [from, to] = [wholeArgument(start, 1), wholeArgument(end, 2)];
      if (from < 0) return problem('start index must not be less than zero', 1);
      if (from > to) return problem('start index must not be greater than end index', 1);
      if (to > items.length) return problem('end index must not be greater than the length of the list', 2);
      const cut = items.slice(from, to);
      return given?.kind === 'list' ? list(given.element, cut) : tuple(cut);
    },
  },
  sort: {
    parameters: [param('list', listOf(STRING))],
    run: ([given]) => {
      const items = itemsOf(given);
      const missing = items.findIndex((item) => item.kind === 'null');
      if (missing >= 0) return problem(`given list element ${missing} is null; a null string cannot be sorted`, 0);
      return texts(items.map(textOf).sort(compareTexts));
    },
  },
  length: {
    parameters: [param('collection')],
    run: ([value]) => {
      if (value !== undefined && isSequence(value)) return number(integer(value.items.length));
      if (value !== undefined && isMapping(value)) return number(integer(value.members.size));
      return problem('collection must be a list, a map or a tuple');
    },
  },
  zipmap: {
    parameters: [param('keys', listOf(STRING)), param('values')],
    run: ([keys, values]) => {
      const [names, items] = [itemsOf(keys), sequence(values, 1)];
      if (names.length !== items.length) {
        throw new FunctionProblem(`number of keys (${names.length}) does not match number of values (${items.length})`);
      }
      const members = names.map((name, i) => [textOf(name), items[i]!] as const);
      return values?.kind === 'list'
        ? { kind: 'map', element: values.element, members: sortedMembers(members) }
        : { kind: 'object', members: sortedMembers(members) };
    },
  },
};

const sortedMembers = (members: readonly (readonly [string, Value])[]) =>
  new Map([...new Map(members)].sort(([a], [b]) => compareTexts(a, b)));

function range(given: readonly Decimal[]): Value {
  if (given.length < 1 || given.length > 3) return problem('must have one, two, or three arguments');
  const [start, end] = given.length === 1 ? [ZERO, given[0]!] : [given[0]!, given[1]!];
  const isDown = compare(end, start) < 0;
  const step = given[2] ?? integer(isDown ? -1 : 1);
  if (step.digits === 0n) return problem('step must not be zero', 2);
  if (isDown !== step.digits < 0n) {
    if (compare(start, end) === 0) return list(NUMBER, []);
    return problem(
      isDown
        ? 'end must be greater than start when step is positive'
        : 'end must be less than start when step is negative',
    );
  }
  const items: Value[] = [];
  let at: Decimal | undefined = start;
  while (at !== undefined && compare(at, end) === (isDown ? 1 : -1)) {
    if (items.length >= MAX_RANGE) {
      return problem(
        `more than ${MAX_RANGE} values were generated; either decrease the difference between start and end or use a smaller step`,
      );
    }
    items.push(number(at));
    at = add(at, step);
  }
  return list(NUMBER, items);
}
