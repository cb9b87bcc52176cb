import { rangeBetween, type Range } from '../source.js';
import type { Expression } from './ast.js';
import type { ExpressionContext } from './expression-context.js';

const SUMMARY = "Invalid 'for' expression";

/** A `for` expression from its keyword on, up to its closing bracket. */
export function parseFor(parser: ExpressionContext, open: Range, close: ']' | '}'): Expression {
  const { tokens } = parser;
  const giveUp = (detail?: string): Expression => {
    if (detail !== undefined) parser.reportFirst(SUMMARY, detail, tokens.peek());
    return parser.placeholder(rangeBetween(open, tokens.rangeOf(tokens.recover(close))));
  };
  tokens.read();
  if (tokens.peek().type !== 'ident') return giveUp("For expression requires variable name after 'for'.");
  let keyName: string | undefined;
  let valueName = tokens.textOf(tokens.read());
  if (tokens.peek().type === ',') {
    tokens.read();
    keyName = valueName;
    if (tokens.peek().type !== 'ident') return giveUp('For expression requires value variable name after comma.');
    valueName = tokens.textOf(tokens.read());
  }
  if (!tokens.isKeyword('in')) return giveUp("For expression requires the 'in' keyword after its name declarations.");
  tokens.read();
  const collection = parser.tried(() => parser.expression());
  if (collection.failed) return giveUp();
  if (tokens.peek().type !== ':') return giveUp('For expression requires a colon after the collection expression.');
  tokens.read();
  let key: Expression | undefined;
  let value = parser.tried(() => parser.expression());
  if (value.failed) return giveUp();
  if (tokens.peek().type === '=>') {
    tokens.read();
    key = value.value;
    value = parser.tried(() => parser.expression());
    if (value.failed) return giveUp();
  }
  const ellipsis = tokens.peek().type === '...' ? tokens.rangeOf(tokens.read()) : undefined;
  let condition: Expression | undefined;
  if (tokens.isKeyword('if')) {
    tokens.read();
    const parsed = parser.tried(() => parser.expression());
    if (parsed.failed) return giveUp();
    condition = parsed.value;
  }
  if (tokens.peek().type !== close) return giveUp("Extra characters after the end of the 'for' expression.");
  const range = rangeBetween(open, tokens.rangeOf(tokens.read()));
  if (close === ']') {
    if (key) parser.report(SUMMARY, 'Key expression is not valid when building a tuple.', key.range);
    if (ellipsis) parser.report(SUMMARY, 'Grouping ellipsis (...) cannot be used when building a tuple.', ellipsis);
  } else if (!key) {
    parser.report(SUMMARY, 'Key expression is required when building an object.', value.value.range);
    return parser.placeholder(range);
  }
  return {
    kind: 'for',
    keyName,
    valueName,
    collection: collection.value,
    key,
    value: value.value,
    condition,
    group: ellipsis !== undefined,
    range,
    open,
  };
}
