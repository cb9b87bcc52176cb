import { MAX_DEPTH } from '../budget.js';
import { HclError, type Diagnostics } from '../diagnostics.js';
import { rangeBetween, type Range } from '../source.js';
import { parseNumber } from '../values/decimal.js';
import { bool, number, text, UNKNOWN, untypedNull, type Value } from '../values/value.js';
import type { Expression, ObjectItem, Step } from './ast.js';
import type { ExpressionContext } from './expression-context.js';
import { literalText } from './literals.js';
import { parseFor } from './parse-for.js';
import { parseTemplate } from './parse-template.js';
import type { Peeker } from './peeker.js';
import type { Token, TokenType } from './tokens.js';

const PRECEDENCE: Partial<Record<TokenType, number>> = {
  '||': 1, '&&': 2, '==': 3, '!=': 3, '>': 4, '>=': 4, '<': 4, '<=': 4, '+': 5, '-': 5, '*': 6, '/': 6, '%': 6,
}; // prettier-ignore
const KEYWORDS: ReadonlyMap<string, Value> = new Map([
  ['true', bool(true)],
  ['false', bool(false)],
  ['null', untypedNull],
]);
const UNTERMINATED = 'before the end of the file. This may be caused by incorrect PAIR nesting elsewhere in this file.';

/** Parses expressions. After an error it reads on to where its caller can go on, and the diagnostics hold what was wrong. */
export class ExpressionParser implements ExpressionContext {
  private depth = 0;

  constructor(
    readonly tokens: Peeker,
    readonly diagnostics: Diagnostics,
  ) {}

  report(summary: string, detail: string, range: Range): void {
    this.diagnostics.add(summary, detail, range);
  }

  /** Reports unless what follows an earlier error may only be its consequence. */
  reportFirst(summary: string, detail: string, at: Token | Range): void {
    if (!this.tokens.recovering) this.report(summary, detail, 'type' in at ? this.tokens.rangeOf(at) : at);
  }

  placeholder(range: Range): Expression {
    return { kind: 'literal', value: UNKNOWN, range };
  }

  /** Whether something went wrong while `run` ran, so that the tokens are at an odd place. */
  tried<T>(run: () => T): { readonly value: T; readonly failed: boolean } {
    const before = this.diagnostics.count;
    const value = run();
    return { value, failed: this.tokens.recovering && this.diagnostics.count > before };
  }

  expression(): Expression {
    if (++this.depth > MAX_DEPTH) throw new HclError('expressions are nested too deeply');
    const result = this.conditional();
    this.depth -= 1;
    return result;
  }

  /** A quoted block label. */
  quotedLabel(): { readonly text: string; readonly range: Range } {
    const open = this.tokens.read();
    let label = '';
    for (;;) {
      const token = this.tokens.read();
      const range = this.tokens.rangeOf(token);
      switch (token.type) {
        case 'close-quote':
          return { text: label, range: rangeBetween(this.tokens.rangeOf(open), range) };
        case 'quoted-literal':
          label += literalText(this.tokens.source, token, this.diagnostics);
          continue;
        case 'interpolation':
        case 'control':
          this.reportFirst(
            'Invalid string literal',
            `Template sequences are not allowed in this string. To include a literal "${token.type === 'control' ? '%' : '$'}", double it (as "${token.type === 'control' ? '%%' : '$$'}") to escape it.`,
            range,
          );
          this.tokens.recover('sequence-end');
          continue;
        case 'quoted-newline':
          continue;
        case 'eof':
          this.reportFirst(
            'Unterminated string literal',
            'Unable to find the closing quote mark before the end of the file.',
            range,
          );
          return { text: label, range };
        default:
          this.reportFirst('Invalid string literal', 'This item is not valid in a string literal.', range);
          this.tokens.recover('close-quote');
          return { text: label, range };
      }
    }
  }

  private conditional(): Expression {
    const { value: condition, failed } = this.tried(() => this.binary(1));
    if (failed || this.tokens.peek().type !== '?') return condition;
    this.tokens.read();
    const whenTrue = this.tried(() => this.expression());
    if (whenTrue.failed) return condition;
    const colon = this.tokens.peek();
    if (colon.type !== ':') {
      this.report(
        'Missing false expression in conditional',
        'The conditional operator (...?...:...) requires a false expression, delimited by a colon.',
        this.tokens.rangeOf(colon),
      );
      this.tokens.recovering = true;
      return condition;
    }
    this.tokens.read();
    const whenFalse = this.expression();
    const range = rangeBetween(condition.range, whenFalse.range);
    return { kind: 'conditional', condition, whenTrue: whenTrue.value, whenFalse, range };
  }

  private binary(least: number): Expression {
    let left = this.withTraversals();
    for (let chain = 0; ; chain += 1) {
      const precedence = PRECEDENCE[this.tokens.peek().type] ?? 0;
      if (precedence < least || this.tokens.recovering) return left;
      if (chain > MAX_DEPTH) throw new HclError('expressions are nested too deeply');
      const operator = this.tokens.read().type;
      const right = this.binary(precedence + 1);
      left = { kind: 'binary', operator, left, right, range: rangeBetween(left.range, right.range) };
    }
  }

  private withTraversals(): Expression {
    return this.traversals(this.term());
  }

  private traversals(from: Expression, only: 'attributes' | 'all' = 'all'): Expression {
    let result = from;
    for (let chain = 0; ; chain += 1) {
      if (chain > MAX_DEPTH) throw new HclError('expressions are nested too deeply');
      const { type } = this.tokens.peek();
      if (type === '.') {
        const next = this.afterDot(result);
        if (next === undefined) return result;
        result = next;
      } else if (type === '[' && only === 'all') result = this.index(result);
      else return result;
    }
  }

  private afterDot(source: Expression): Expression | undefined {
    const dot = this.tokens.rangeOf(this.tokens.read());
    const next = this.tokens.peek();
    const range = rangeBetween(dot, this.tokens.rangeOf(next));
    switch (next.type) {
      case 'ident':
        this.tokens.read();
        return withStep(source, { kind: 'attribute', name: this.tokens.textOf(next), range });
      case 'number':
        return this.legacyIndexes(source, dot);
      case '*': {
        this.tokens.read();
        const each = this.traversals({ kind: 'item', range }, 'attributes');
        return { kind: 'splat', source, each, range: rangeBetween(source.range, each.range), marker: range };
      }
      default:
        this.report('Invalid attribute name', 'An attribute name is required after a dot.', this.tokens.rangeOf(next));
        this.tokens.recovering = true;
        return undefined;
    }
  }

  /** `a.0`, and `a.0.1` which reads like one number. */
  private legacyIndexes(source: Expression, dot: Range): Expression {
    const token = this.tokens.read();
    const range = rangeBetween(dot, this.tokens.rangeOf(token));
    return this.tokens
      .textOf(token)
      .split('.')
      .reduce<Expression>(
        (from, digits) => withStep(from, { kind: 'index', key: this.numberOf(digits, range), range }),
        source,
      );
  }

  private index(source: Expression): Expression {
    const open = this.tokens.rangeOf(this.tokens.read());
    if (this.tokens.peek().type === '*') {
      this.tokens.read();
      let close = this.tokens.read();
      if (close.type !== ']' && !this.tokens.recovering) {
        this.reportFirst(
          'Missing close bracket on splat index',
          'The star for a full splat operator must be immediately followed by a closing bracket ("]").',
          close,
        );
        close = this.tokens.recover(']');
      }
      const marker = rangeBetween(open, this.tokens.rangeOf(close));
      const each = this.traversals({ kind: 'item', range: marker });
      return { kind: 'splat', source, each, range: rangeBetween(source.range, each.range), marker };
    }
    const { key, close } = this.tokens.withNewlines(false, () => {
      const { value, failed } = this.tried(() => this.expression());
      if (failed) return { key: value, close: this.tokens.recover(']') };
      const end = this.tokens.read();
      if (end.type === ']' || this.tokens.recovering) return { key: value, close: end };
      this.reportFirst(
        'Missing close bracket on index',
        'The index operator must end with a closing bracket ("]").',
        end,
      );
      return { key: value, close: this.tokens.recover(']') };
    });
    const brackets = rangeBetween(open, this.tokens.rangeOf(close));
    const literal = literalKey(key);
    if (literal !== undefined) return withStep(source, { kind: 'index', key: literal, range: brackets });
    return { kind: 'index', collection: source, key, range: rangeBetween(source.range, brackets), brackets };
  }

  private term(): Expression {
    const start = this.tokens.peek();
    const range = this.tokens.rangeOf(start);
    switch (start.type) {
      case '(':
        return this.parentheses();
      case 'number':
        this.tokens.read();
        return { kind: 'literal', value: this.numberOf(this.tokens.textOf(start), range), range };
      case 'ident': {
        this.tokens.read();
        if (this.tokens.peek().type === '(') return this.call(start);
        const name = this.tokens.textOf(start);
        const value = KEYWORDS.get(name);
        return value === undefined
          ? { kind: 'reference', root: name, steps: [], range }
          : { kind: 'literal', value, range };
      }
      case 'open-quote':
      case 'open-heredoc':
        return parseTemplate(this, this.tokens.read());
      case '-':
      case '!': {
        this.tokens.read();
        if (++this.depth > MAX_DEPTH) throw new HclError('expressions are nested too deeply');
        const operand = this.withTraversals();
        this.depth -= 1;
        return {
          kind: 'unary',
          operator: start.type,
          operand,
          range: rangeBetween(range, operand.range),
          symbol: range,
        };
      }
      case '[':
        return this.tuple();
      case '{':
        return this.object();
      default:
        if (start.type === 'eof')
          this.reportFirst(
            'Missing expression',
            'Expected the start of an expression, but found the end of the file.',
            range,
          );
        else
          this.reportFirst(
            'Invalid expression',
            'Expected the start of an expression, but found an invalid expression token.',
            range,
          );
        this.tokens.recovering = true;
        return this.placeholder(range);
    }
  }

  private numberOf(written: string, range: Range): Value {
    const value = parseNumber(written);
    if (value !== undefined) return number(value);
    this.report('Invalid number literal', 'Failed to recognize the value of this number literal.', range);
    return UNKNOWN;
  }

  private parentheses(): Expression {
    const open = this.tokens.rangeOf(this.tokens.read());
    return this.tokens.withNewlines(false, () => {
      const before = this.diagnostics.count;
      const inner = this.expression();
      if (this.diagnostics.count > before) {
        this.tokens.recover(')');
        return inner;
      }
      const close = this.tokens.peek();
      if (close.type !== ')') {
        this.report(
          'Unbalanced parentheses',
          'Expected a closing parenthesis to terminate the expression.',
          this.tokens.rangeOf(close),
        );
        this.tokens.recovering = true;
      }
      const end = this.tokens.rangeOf(this.tokens.read());
      return { kind: 'parentheses', inner, range: rangeBetween(open, end) };
    });
  }

  private call(name: Token): Expression {
    const nameRange = this.tokens.rangeOf(name);
    const open = this.tokens.rangeOf(this.tokens.read());
    const args: Expression[] = [];
    let expandFinal = false;
    const close = this.tokens.withNewlines(false, () => {
      for (;;) {
        if (this.tokens.peek().type === ')') return this.tokens.read();
        const { value, failed } = this.tried(() => this.expression());
        args.push(value);
        if (failed) return this.tokens.recover(')');
        const separator = this.tokens.read();
        if (separator.type === ')') return separator;
        if (separator.type === '...') {
          expandFinal = true;
          if (this.tokens.peek().type === ')') return this.tokens.read();
          this.reportFirst(
            'Missing closing parenthesis',
            'An expanded function argument (with ...) must be immediately followed by closing parentheses.',
            separator,
          );
          return this.tokens.recover(')');
        }
        if (separator.type === ',') continue;
        if (separator.type === 'eof')
          this.report(
            'Unterminated function call',
            `There is no closing parenthesis for this function call ${UNTERMINATED.replace('PAIR', 'parenthesis')}`,
            rangeBetween(nameRange, open),
          );
        else
          this.report(
            'Missing argument separator',
            'A comma is required to separate each function argument from the next.',
            this.tokens.rangeOf(separator),
          );
        return this.tokens.recover(')');
      }
    });
    const end = this.tokens.rangeOf(close);
    const range = rangeBetween(nameRange, end);
    return { kind: 'call', name: this.tokens.textOf(name), nameRange, args, expandFinal, open, close: end, range };
  }

  private tuple(): Expression {
    const open = this.tokens.rangeOf(this.tokens.read());
    return this.tokens.withNewlines(false, () => {
      if (this.tokens.isKeyword('for')) return parseFor(this, open, ']');
      const items: Expression[] = [];
      const close = this.tupleItems(items, open);
      return { kind: 'tuple', items, range: rangeBetween(open, this.tokens.rangeOf(close)), open };
    });
  }

  private tupleItems(items: Expression[], open: Range): Token {
    for (;;) {
      if (this.tokens.peek().type === ']') return this.tokens.read();
      const { value, failed } = this.tried(() => this.expression());
      items.push(value);
      if (failed) return this.tokens.recover(']');
      const next = this.tokens.peek();
      if (next.type === ']') return this.tokens.read();
      if (next.type !== ',') {
        if (next.type === 'eof')
          this.reportFirst(
            'Unterminated tuple constructor expression',
            `There is no corresponding closing bracket ${UNTERMINATED.replace('PAIR', 'bracket')}`,
            open,
          );
        else
          this.reportFirst('Missing item separator', 'Expected a comma to mark the beginning of the next item.', next);
        return this.tokens.recover(']');
      }
      this.tokens.read();
    }
  }

  private object(): Expression {
    const open = this.tokens.rangeOf(this.tokens.read());
    if (this.tokens.withNewlines(false, () => this.tokens.isKeyword('for'))) {
      return this.tokens.withNewlines(false, () => parseFor(this, open, '}'));
    }
    return this.tokens.withNewlines(true, () => {
      const items: ObjectItem[] = [];
      const close = this.objectItems(items, open);
      return { kind: 'object', items, range: rangeBetween(open, this.tokens.rangeOf(close)), open };
    });
  }

  private objectItems(items: ObjectItem[], open: Range): Token {
    const unterminated = () =>
      this.reportFirst(
        'Unterminated object constructor expression',
        `There is no corresponding closing brace ${UNTERMINATED.replace('PAIR', 'brace')}`,
        open,
      );
    for (;;) {
      const next = this.tokens.peek();
      if (next.type === 'newline') {
        this.tokens.read();
        continue;
      }
      if (next.type === '}') return this.tokens.read();
      const key = this.tried(() => this.expression());
      if (key.failed) return this.tokens.recover('}');
      const separator = this.tokens.peek();
      if (separator.type !== '=' && separator.type !== ':') {
        if (separator.type === 'eof') unterminated();
        else this.badSeparator(separator);
        return this.tokens.recover('}');
      }
      this.tokens.read();
      const value = this.tried(() => this.expression());
      if (value.failed) return this.tokens.recover('}');
      const isName = key.value.kind === 'reference' && key.value.steps.length === 0;
      const name = isName || key.value.kind === 'literal' ? this.tokens.source.slice(key.value.range) : undefined;
      items.push({ key: key.value, value: value.value, ...(name !== undefined && { literalKey: name }) });
      const end = this.tokens.peek();
      if (end.type === '}') return this.tokens.read();
      if (end.type !== ',' && end.type !== 'newline') {
        if (end.type === 'eof') unterminated();
        else
          this.reportFirst(
            'Missing attribute separator',
            'Expected a newline or comma to mark the beginning of the next attribute.',
            end,
          );
        return this.tokens.recover('}');
      }
      this.tokens.read();
    }
  }

  private badSeparator(token: Token): void {
    const equals = 'Expected an equals sign ("=") to mark the beginning of the attribute value.';
    if (token.type === 'newline' || token.type === ',')
      this.reportFirst(
        'Missing attribute value',
        'Expected an attribute value, introduced by an equals sign ("=").',
        token,
      );
    else if (token.type === 'ident')
      this.reportFirst(
        'Missing key/value separator',
        `${equals} If you intended to given an attribute name containing periods or spaces, write the name in quotes to create a string literal.`,
        token,
      );
    else this.reportFirst('Missing key/value separator', equals, token);
  }
}

function withStep(source: Expression, step: Step): Expression {
  const range = rangeBetween(source.range, step.range);
  if (source.kind === 'reference') return { ...source, steps: [...source.steps, step], range };
  if (source.kind === 'steps') return { ...source, steps: [...source.steps, step], range };
  return { kind: 'steps', source, steps: [step], range };
}

/** A key that is written there is a step; any other one is evaluated. */
function literalKey(key: Expression): Value | undefined {
  if (key.kind === 'literal') return key.value.kind === 'unknown' ? undefined : key.value;
  const [part, ...others] = key.kind === 'template' ? key.parts : [];
  if (part?.kind !== 'literal' || others.length > 0) return undefined;
  return part.value.kind === 'string' ? text(part.value.text) : undefined;
}
