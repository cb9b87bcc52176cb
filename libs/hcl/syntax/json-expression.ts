import { Diagnostics } from '../diagnostics.js';
import { EmbeddedSource, type Range } from '../source.js';
import { parseNumber } from '../values/decimal.js';
import { bool, number, text, UNKNOWN, untypedNull } from '../values/value.js';
import type { Expression } from './ast.js';
import { checkTokens } from './check-tokens.js';
import type { JsonNode } from './json-node.js';
import { Lexer } from './lexer.js';
import { ExpressionParser } from './parse-expression.js';
import { parseTemplate } from './parse-template.js';
import { Peeker } from './peeker.js';

type Reading = (node: JsonNode, diagnostics: Diagnostics) => Expression;

/** A body is read anew for each block that a dynamic one makes of it; what its values say is not. */
function once(read: Reading): Reading {
  const known = new WeakMap<JsonNode, { readonly expression: Expression; readonly found: Diagnostics }>();
  return (node, diagnostics) => {
    let one = known.get(node);
    if (one === undefined) {
      const found = new Diagnostics();
      one = { expression: read(node, found), found };
      known.set(node, one);
    }
    diagnostics.addAll(one.found);
    return one.expression;
  };
}

/** What a JSON value says where an expression is wanted: texts, and names of members, are templates. */
export const jsonExpression = once(expressionOf);

/** What a JSON text says where the native syntax has a name or a type: `"list(string)"`. Anything else is an expression like any other. */
export const jsonSyntax = once((node, diagnostics) => {
  if (node.kind !== 'string') return expressionOf(node, diagnostics);
  const source = new EmbeddedSource(node.text, node.range);
  const tokens = new Lexer(source).run();
  checkTokens(source, tokens, diagnostics);
  return new ExpressionParser(new Peeker(source, tokens), diagnostics).expression();
});

function expressionOf(node: JsonNode, diagnostics: Diagnostics): Expression {
  const { range } = node;
  switch (node.kind) {
    case 'string':
      return template(node.text, range, diagnostics);
    case 'number':
      return numeric(node.digits, range, diagnostics);
    case 'keyword':
      return { kind: 'literal', value: node.value === null ? untypedNull : bool(node.value), range };
    case 'array':
      return {
        kind: 'tuple',
        items: node.items.map((item) => expressionOf(item, diagnostics)),
        range,
        open: node.open,
      };
    case 'object': {
      const items = node.members.map(({ name, nameRange, value }) => ({
        key: template(name, nameRange, diagnostics),
        value: expressionOf(value, diagnostics),
      }));
      return { kind: 'object', items, range, open: node.open };
    }
  }
}

function template(given: string, range: Range, diagnostics: Diagnostics): Expression {
  if (!given.includes('${') && !given.includes('%{')) return { kind: 'literal', value: text(given), range };
  const source = new EmbeddedSource(given, range);
  const tokens = new Lexer(source, 'template').run();
  checkTokens(source, tokens, diagnostics);
  const parser = new ExpressionParser(new Peeker(source, tokens), diagnostics);
  return parseTemplate(parser, parser.tokens.read());
}

function numeric(digits: string, range: Range, diagnostics: Diagnostics): Expression {
  const isNegative = digits.startsWith('-');
  const value = parseNumber(isNegative ? digits.slice(1) : digits);
  if (value === undefined) {
    diagnostics.add('Invalid number literal', 'Failed to recognize the value of this number literal.', range);
    return { kind: 'literal', value: UNKNOWN, range };
  }
  const operand: Expression = { kind: 'literal', value: number(value), range };
  return isNegative ? { kind: 'unary', operator: '-', operand, range, symbol: range } : operand;
}
