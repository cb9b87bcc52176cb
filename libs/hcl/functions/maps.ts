import { quoted } from '@app/kernel';
import { Diagnostics } from '../diagnostics.js';
import { elementAt } from '../evaluate/steps.js';
import { convert } from '../values/convert.js';
import { Source } from '../source.js';
import {
  ANY,
  isMapping,
  map,
  object,
  STRING,
  text,
  tuple,
  typeName,
  typeOf,
  UNKNOWN,
  type Value,
} from '../values/value.js';
import { ofOneType } from './lists.js';
import { param, problem, textOf, texts, type FunctionTable } from './function.js';

const nowhere = new Source('', '').range(0, 0);

export const mapFunctions: FunctionTable = {
  /** Despite its name: the element at a key or index. */
  index: {
    parameters: [param('collection'), param('key')],
    run: ([collection = UNKNOWN, key = UNKNOWN]) => {
      const diagnostics = new Diagnostics();
      const found = elementAt(collection, key, nowhere, { diagnostics });
      return diagnostics.any ? problem('invalid index') : found;
    },
  },
  keys: {
    parameters: [param('inputMap')],
    run: ([given]) => {
      if (given === undefined || !isMapping(given)) return problem('must have map or object type', 0);
      const names = [...given.members.keys()];
      return given.kind === 'map' ? texts(names) : tuple(names.map(text));
    },
  },
  values: {
    parameters: [param('mapping')],
    run: ([given]) => {
      if (given === undefined || !isMapping(given)) return problem('values() requires a map as the first argument', 0);
      const values = [...given.members.values()];
      return given.kind === 'map' ? ofOneType(values) : tuple(values);
    },
  },
  lookup: {
    parameters: [param('inputMap'), param('key', STRING), param('default', ANY, true)],
    run: ([given, key, fallback = UNKNOWN]) => {
      if (given === undefined || !isMapping(given)) return problem('lookup() requires a map as the first argument', 0);
      const found = given.members.get(textOf(key));
      if (found !== undefined) return found;
      if (given.kind === 'object') return fallback;
      const converted = convert(fallback, given.element);
      return converted.ok
        ? converted.value
        : problem(`the default value must have the same type as the map elements`, 2);
    },
  },
  merge: {
    parameters: [],
    rest: param('maps', ANY, true),
    run: (args) => {
      const members = new Map<string, Value>();
      for (const arg of args) {
        if (arg.kind === 'null') continue;
        if (!isMapping(arg)) return problem(`arguments must be maps or objects, got ${quoted(typeName(typeOf(arg)))}`);
        for (const [name, member] of arg.members) members.set(name, member);
      }
      const maps = args.filter((arg) => arg.kind === 'map');
      const isOneType = args.length > 0 && maps.length === args.length;
      const element =
        isOneType && maps.every((one) => one.element.kind === maps[0]!.element.kind) ? maps[0]!.element : undefined;
      return element ? map(element, members) : object(members);
    },
  },
};
