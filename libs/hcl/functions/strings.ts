import { integer } from '../values/decimal.js';
import { isSequence, listOf, NUMBER, number, STRING, text, type Value } from '../values/value.js';
import { formatText, formatList } from './format.js';
import { ofTexts, param, problem, str, textOf, texts, type FunctionTable } from './function.js';
import { wholeArgument } from './numbers.js';
import { replaceAll } from './regexp.js';

const segmenter = new Intl.Segmenter();
const graphemesOf = (value: string): string[] =>
  /^[\x00-\x7f]*$/.test(value) && !value.includes('\r\n')
    ? value.split('')
    : Array.from(segmenter.segment(value), ({ segment }) => segment);

const MAX_INDENT = 1_000;

const reversed = ofTexts([str], (value) => graphemesOf(value).reverse().join(''));

export const stringFunctions: FunctionTable = {
  chomp: ofTexts([str], (value) => value.replace(/(?:\r\n?|\n)*$/, '')),
  format: {
    parameters: [param('format', STRING)],
    rest: param('args', undefined, true),
    run: ([format, ...args], budget) => text(formatText(textOf(format), args, budget)),
  },
  formatlist: {
    parameters: [param('format', STRING)],
    rest: param('args', undefined, true),
    run: ([format, ...args], budget) => texts(formatList(textOf(format), args, budget)),
  },
  indent: {
    parameters: [param('spaces', NUMBER), str],
    run: ([spaces, value], budget) => {
      const width = wholeArgument(spaces, 0);
      if (width < 0 || width > MAX_INDENT) return problem('number of spaces is out of range', 0);
      const lines = textOf(value).split('\n');
      budget.grow(lines.length * width + textOf(value).length);
      return text(lines.join(`\n${' '.repeat(width)}`));
    },
  },
  join: {
    parameters: [param('separator', STRING)],
    rest: param('lists', listOf(STRING)),
    run: ([separator, ...lists], budget) => {
      if (lists.length === 0) return problem('at least one list is required');
      const items = lists.flatMap((one, l) =>
        (isSequence(one) ? one.items : []).map((item, i) =>
          item.kind === 'null'
            ? problem(
                lists.length > 1
                  ? `element ${i} of list ${l} is null; cannot concatenate null values`
                  : `element ${i} is null; cannot concatenate null values`,
                l + 1,
              )
            : textOf(item),
        ),
      );
      budget.grow(items.reduce((sum, item) => sum + item.length + textOf(separator).length, 0));
      return text(items.join(textOf(separator)));
    },
  },
  lower: ofTexts([str], (value) => value.toLowerCase()),
  upper: ofTexts([str], (value) => value.toUpperCase()),
  title: ofTexts([str], (value) =>
    value.replace(
      /(^|[^\p{L}\p{N}\p{M}_])(\p{L})/gu,
      (_, before: string, first: string) => before + first.toUpperCase(),
    ),
  ),
  replace: {
    parameters: [str, param('substr', STRING), param('replace', STRING)],
    run: ([value, from, to], budget) => {
      const pieces = textOf(value).split(textOf(from));
      budget.grow(textOf(value).length + pieces.length * textOf(to).length);
      // An empty text is found at both ends, too.
      const joined = pieces.join(textOf(to));
      return text(textOf(from) === '' ? textOf(to) + joined + (joined === '' ? '' : textOf(to)) : joined);
    },
  },
  regex_replace: {
    parameters: [str, param('pattern', STRING), param('replace', STRING)],
    run: ([value, pattern, to], budget) => {
      budget.spend((textOf(value).length + 10) * Math.max(1, textOf(pattern).length / 10));
      budget.grow(textOf(value).length);
      return text(replaceAll(textOf(value), textOf(pattern), textOf(to), budget));
    },
  },
  split: {
    parameters: [param('separator', STRING), str],
    run: ([separator, value]) => {
      const [by, all] = [textOf(separator), textOf(value)];
      return texts(by === '' ? Array.from(all) : all.split(by));
    },
  },
  strlen: { parameters: [str], run: ([value]) => number(integer(graphemesOf(textOf(value)).length)) },
  strrev: reversed,
  reverse: reversed,
  substr: {
    parameters: [str, param('offset', NUMBER), param('length', NUMBER)],
    run: ([value, offset, length]) => substring(textOf(value), wholeArgument(offset, 1), wholeArgument(length, 2)),
  },
  trim: ofTexts([str, param('cutset', STRING)], (value, cutset) => {
    const cut = new Set(Array.from(cutset));
    const chars = Array.from(value);
    let [from, to] = [0, chars.length];
    while (from < to && cut.has(chars[from]!)) from += 1;
    while (to > from && cut.has(chars[to - 1]!)) to -= 1;
    return chars.slice(from, to).join('');
  }),
  trimprefix: ofTexts([str, param('prefix', STRING)], (value, prefix) =>
    value.startsWith(prefix) ? value.slice(prefix.length) : value,
  ),
  trimsuffix: ofTexts([str, param('suffix', STRING)], (value, suffix) =>
    suffix !== '' && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value,
  ),
  trimspace: ofTexts([str], (value) => value.trim()),
};

/** A negative offset counts from the end, a negative length goes up to the end. */
function substring(value: string, offset: number, length: number): Value {
  const all = graphemesOf(value);
  const from = offset < 0 ? Math.max(0, all.length + offset) : offset;
  return text(all.slice(from, length < 0 ? undefined : from + length).join(''));
}
