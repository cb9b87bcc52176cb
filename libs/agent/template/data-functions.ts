import { parseDocument, stringify } from 'yaml';
import { TemplateError } from './template-error.js';
import { Dict, isList, Item, sortedEntries, textOfValue as text, type TemplateFunction, type Value } from './value.js';

/** Nested deeper than this nothing is read or written. */
const MAX_DEPTH = 100;
const MAX_ALIASES = 100;

/** What a parser has made, as a value: objects become maps, so that no key of theirs is a property of anything. Numbers of JSON are floats in Go. */
function valueOf(parsed: unknown, wholeNumbers: boolean, depth = 0): Value {
  if (depth > MAX_DEPTH) throw new TemplateError('the data are nested too deeply');
  if (Array.isArray(parsed)) return parsed.map((one) => valueOf(one, wholeNumbers, depth + 1));
  if (parsed instanceof Map)
    return new Dict(new Map([...parsed].map(([key, one]) => [String(key), valueOf(one, wholeNumbers, depth + 1)])));
  if (typeof parsed === 'object' && parsed !== null)
    return new Dict(new Map(Object.entries(parsed).map(([key, one]) => [key, valueOf(one, wholeNumbers, depth + 1)])));
  if (typeof parsed === 'number' && wholeNumbers && Number.isSafeInteger(parsed)) return BigInt(parsed);
  return parsed as Value;
}

function parsedJson(json: string): Value {
  if (json === '') return new Dict(new Map());
  try {
    return valueOf(JSON.parse(json), false);
  } catch (error) {
    throw new TemplateError(`parseJSON: ${(error as Error).message}`);
  }
}

function parsedYaml(yaml: string): Value {
  if (yaml === '') return new Dict(new Map());
  try {
    const document = parseDocument(yaml, { intAsBigInt: true });
    const [fault] = document.errors;
    if (fault !== undefined) throw fault;
    return valueOf(document.toJS({ mapAsMap: true, maxAliasCount: MAX_ALIASES }), true);
  } catch (error) {
    throw new TemplateError(`parseYAML: ${(error as Error).message}`);
  }
}

/** A text as Go's encoder writes it: what could end a script of a page is escaped. */
const jsonText = (value: string, isEscaped: boolean): string => {
  const plain = JSON.stringify(value).replace(/[\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16)}`);
  return isEscaped ? plain.replace(/[<>&]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`) : plain;
};

function jsonOf(value: Value, isEscaped: boolean, indent: string, depth = 0): string {
  if (depth > MAX_DEPTH) throw new TemplateError('the data are nested too deeply');
  if (value instanceof Item || typeof value === 'string') return jsonText(text(value), isEscaped);
  if (isList(value))
    return enclosed(
      '[]',
      value.map((one) => jsonOf(one, isEscaped, indent, depth + 1)),
      indent,
      depth,
    );
  if (value instanceof Dict)
    return enclosed(
      '{}',
      sortedEntries(value).map(
        ([key, one]) =>
          `${jsonText(key, isEscaped)}:${indent === '' ? '' : ' '}${jsonOf(one, isEscaped, indent, depth + 1)}`,
      ),
      indent,
      depth,
    );
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TemplateError('toJSON: unsupported value');
  return value === undefined ? 'null' : String(value);
}

function enclosed(brackets: '[]' | '{}', members: readonly string[], indent: string, depth: number): string {
  const [open = '', close = ''] = brackets;
  if (indent === '' || members.length === 0) return `${open}${members.join(',')}${close}`;
  const margin = `\n${indent.repeat(depth)}`;
  return `${open}${margin}${indent}${members.join(`,${margin}${indent}`)}${margin}${close}`;
}

/** What a library can write. */
function plain(value: Value, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new TemplateError('the data are nested too deeply');
  if (value instanceof Item) return value.text;
  if (isList(value)) return value.map((one) => plain(one, depth + 1));
  if (value instanceof Dict) return new Map(sortedEntries(value).map(([key, one]) => [key, plain(one, depth + 1)]));
  return value ?? null;
}

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);
function parsedBool(given: string): boolean {
  if (given === '') return false;
  if (TRUE.has(given) || FALSE.has(given)) return TRUE.has(given);
  throw new TemplateError(`parseBool: parsing ${JSON.stringify(given)}: invalid syntax`);
}

function parsedInt(name: string, given: string, isSigned: boolean): bigint {
  if (given === '') return 0n;
  const isWhole = (isSigned ? /^[-+]?\d{1,20}$/ : /^\d{1,20}$/).test(given);
  const value = isWhole ? BigInt(given.replace(/^\+/, '')) : 0n;
  if (!isWhole || (isSigned && BigInt.asIntN(64, value) !== value))
    throw new TemplateError(`${name}: parsing ${JSON.stringify(given.slice(0, 50))}: invalid syntax`);
  return value;
}

function parsedFloat(given: string): number {
  if (given === '') return 0;
  if (!/^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(given))
    throw new TemplateError(`parseFloat: parsing ${JSON.stringify(given.slice(0, 50))}: invalid syntax`);
  return Number(given);
}

const dictOf = (value: Value): Dict => {
  if (value instanceof Dict) return value;
  throw new TemplateError('expected a map');
};

export const DATA_FUNCTIONS: readonly (readonly [string, TemplateFunction])[] = [
  ['parseJSON', ([a]) => parsedJson(text(a))],
  ['parseYAML', ([a]) => parsedYaml(text(a))],
  ['parseBool', ([a]) => parsedBool(text(a))],
  ['parseInt', ([a]) => parsedInt('parseInt', text(a), true)],
  ['parseUint', ([a]) => parsedInt('parseUint', text(a), false)],
  ['parseFloat', ([a]) => parsedFloat(text(a))],
  ['toJSON', ([a]) => jsonOf(a, true, '')],
  ['toJSONPretty', ([a]) => jsonOf(a, true, '  ')],
  ['toUnescapedJSON', ([a]) => jsonOf(a, false, '')],
  ['toUnescapedJSONPretty', ([a]) => jsonOf(a, false, '  ')],
  ['toYAML', ([a]) => stringify(plain(a)).trimEnd()],
  ['mergeMap', ([over, under]) => new Dict(new Map([...dictOf(over).entries, ...dictOf(under).entries]))],
  ['mergeMapWithOverride', ([over, under]) => new Dict(new Map([...dictOf(under).entries, ...dictOf(over).entries]))],
];
