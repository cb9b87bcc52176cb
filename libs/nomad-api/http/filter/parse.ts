import { fail, ok, type Result } from '../result.js';
import type { Collection, Expression, Match, MatchOperator, Selector } from './expression.js';
import { type CharClass, Reader } from './reader.js';
import { unquote } from './unquote.js';

/** Parentheses, braces and `not` may nest this deep: far beyond what anyone writes, well within the stack. */
const MAX_NESTING = 200;

const SPACE: CharClass = { name: '[ \\t\\r\\n]', test: /[ \t\r\n]/ };
const LETTER: CharClass = { name: '[a-zA-Z]', test: /[a-zA-Z]/ };
const WORD: CharClass = { name: '[a-zA-Z0-9_/]', test: /[a-zA-Z0-9_/]/ };
const DIGIT: CharClass = { name: '[0-9]', test: /[0-9]/ };
const LEADING_DIGIT: CharClass = { name: '[1-9]', test: /[1-9]/ };
const POINTER_CHAR: CharClass = { name: '[\\pL\\pN-_.~:|]', test: /[\p{L}\p{N}\-_.~:|]/u };

type Operator = Pick<Match, 'operator' | 'negated'>;

/**
 * Recursive descent over go-bexpr's grammar (spec/http-api §1.7), one method a rule. The order in which alternatives are tried is part of the
 * language and of its error texts.
 */
class Parser {
  private readonly reader: Reader;
  private nesting = 0;

  constructor(text: string) {
    this.reader = new Reader(text);
  }

  parse(): Result<Expression> {
    const { reader } = this;
    const expression =
      reader.attempt(() => {
        this.spaces();
        if (!reader.literal('(')) return undefined;
        this.spaces();
        const inner = this.or();
        if (!inner) return undefined;
        this.spaces();
        if (!reader.literal(')')) return undefined;
        this.spaces();
        return this.end() ? inner : undefined;
      }) ??
      reader.attempt(() => {
        this.spaces();
        const inner = this.or();
        if (!inner) return undefined;
        this.spaces();
        return this.end() ? inner : undefined;
      });
    const error = reader.error(expression === undefined);
    return expression && error === undefined ? ok(expression) : fail(error ?? '');
  }

  /** Operands joined by `or`; a collection is only read where nothing can follow it. */
  private or(): Expression | undefined {
    if (this.nesting >= MAX_NESTING) return this.reader.complain('"grouping"', 'Expression is nested too deeply');
    this.nesting++;
    const operands: Expression[] = [];
    let followed = true;
    while (followed) {
      const separated = operands.length === 0 ? 0 : this.separator('or');
      if (separated === undefined) break;
      const operand = this.and();
      const last: Expression | undefined = operand ?? this.collection();
      if (last) operands.push(last);
      else this.reader.position = separated;
      followed = operand !== undefined;
    }
    this.nesting--;
    return operands.length > 1 ? { kind: 'or', operands } : operands[0];
  }

  private and(): Expression | undefined {
    const operands: Expression[] = [];
    for (;;) {
      const separated = operands.length === 0 ? this.reader.position : this.separator('and');
      if (separated === undefined) break;
      const operand = this.not();
      if (!operand) {
        this.reader.position = separated;
        break;
      }
      operands.push(operand);
    }
    return operands.length > 1 ? { kind: 'and', operands } : operands[0];
  }

  /** Steps over ` and ` or ` or `; answers where it began, to return there when no operand follows. */
  private separator(word: 'and' | 'or'): number | undefined {
    const start = this.reader.position;
    return this.reader.attempt(() => this.space() && this.reader.literal(word) && this.space()) ? start : undefined;
  }

  private not(): Expression | undefined {
    const negated = this.reader.attempt(() => {
      if (!this.reader.literal('not') || !this.space()) return undefined;
      if (this.nesting >= MAX_NESTING) return this.reader.complain('"grouping"', 'Expression is nested too deeply');
      this.nesting++;
      const operand = this.not();
      this.nesting--;
      return operand;
    });
    if (!negated) return this.grouping();
    return negated.kind === 'not' ? negated.operand : { kind: 'not', operand: negated };
  }

  private grouping(): Expression | undefined {
    const { reader } = this;
    const start = reader.position;
    if (!reader.literal('(')) return this.match();
    this.spaces();
    const inner = this.or();
    if (inner) {
      this.spaces();
      if (reader.literal(')')) return inner;
      reader.complain('"grouping"', 'Unmatched parentheses');
    }
    reader.position = start;
    return undefined;
  }

  private collection(): Collection | undefined {
    const { reader } = this;
    return reader.attempt(() => {
      const quantifier = this.quantifier();
      const selector = quantifier && this.selector();
      if (!selector || !this.space() || !reader.literal('as') || !this.space()) return undefined;
      const names = this.names();
      if (!names) return undefined;
      this.spaces();
      if (!reader.literal('{')) return undefined;
      this.spaces();
      const inner = this.or();
      if (!inner) return undefined;
      this.spaces();
      return reader.literal('}') ? { kind: 'collection', quantifier, selector, ...names, inner } : undefined;
    });
  }

  private quantifier(): 'any' | 'all' | undefined {
    const { reader } = this;
    if (reader.attempt(() => reader.literal('any') && this.space())) return 'any';
    return reader.attempt(() => reader.literal('all') && this.space()) ? 'all' : undefined;
  }

  private names(): Pick<Collection, 'only' | 'index' | 'value'> | undefined {
    const { reader } = this;
    const comma = () => {
      this.spaces();
      if (!reader.literal(',')) return false;
      this.spaces();
      return true;
    };
    return (
      reader.attempt(() => {
        const index = this.identifier();
        const value = index !== undefined && comma() ? this.identifier() : undefined;
        return value === undefined ? undefined : { only: undefined, index, value };
      }) ??
      reader.attempt(() => {
        const index = this.identifier();
        return index !== undefined && comma() && reader.literal('_')
          ? { only: undefined, index, value: undefined }
          : undefined;
      }) ??
      reader.attempt(() => {
        const value = reader.literal('_') && comma() ? this.identifier() : undefined;
        return value === undefined ? undefined : { only: undefined, index: undefined, value };
      }) ??
      reader.attempt(() => {
        const only = this.identifier();
        return only === undefined ? undefined : { only, index: undefined, value: undefined };
      })
    );
  }

  private match(): Match | undefined {
    const { reader } = this;
    return (
      reader.attempt(() => this.selectorOperatorValue()) ??
      reader.attempt(() => this.selectorState()) ??
      reader.attempt(() => this.valueOperatorSelector())
    );
  }

  private selectorOperatorValue(): Match | undefined {
    const selector = this.selector();
    const operator = selector && this.firstOf(VALUE_OPERATORS);
    if (!operator) return undefined;
    const value = this.value();
    return value === undefined ? undefined : { kind: 'match', ...operator, selector, value };
  }

  private selectorState(): Match | undefined {
    const selector = this.selector();
    const operator = selector && this.firstOf(STATE_OPERATORS);
    return operator && { kind: 'match', ...operator, selector, value: '' };
  }

  private valueOperatorSelector(): Match | undefined {
    const value = this.value();
    const operator = value === undefined ? undefined : this.firstOf(MEMBER_OPERATORS);
    if (value === undefined || !operator) return undefined;
    const selector = this.selector();
    if (selector) return { kind: 'match', ...operator, selector, value };
    return this.reader.not(() => this.selector()) ? this.reader.complain('"match"', 'Invalid selector') : undefined;
  }

  private firstOf(operators: readonly (readonly [Operator, readonly string[]])[]): Operator | undefined {
    for (const [operator, words] of operators) {
      if (this.reader.attempt(() => this.words(words))) return operator;
    }
    return undefined;
  }

  /** `_` is obligatory space, `?` optional space, all else is itself. */
  private words(words: readonly string[]): boolean {
    return words.every((word) => {
      if (word === '?') return this.spaces();
      return word === '_' ? this.space() : this.reader.literal(word);
    });
  }

  private selector(): Selector | undefined {
    const { reader } = this;
    const first = this.identifier();
    if (first !== undefined) {
      const path = [first];
      for (let next = this.step(); next !== undefined; next = this.step()) path.push(next);
      return { path, text: path.join('.') };
    }
    return reader.attempt(() => {
      if (!reader.literal('"')) return undefined;
      const segments: string[] = [];
      for (let segment = this.pointerSegment(); segment !== undefined; segment = this.pointerSegment()) {
        segments.push(segment.replaceAll('~1', '/').replaceAll('~0', '~'));
      }
      if (!reader.literal('"')) return undefined;
      return { path: segments.length > 0 ? segments : [''], text: segments.join('/') };
    });
  }

  private pointerSegment(): string | undefined {
    return this.reader.attempt(() => {
      if (!this.reader.literal('/')) return undefined;
      const first = this.reader.one(POINTER_CHAR);
      return first === undefined ? undefined : first + this.reader.many(POINTER_CHAR);
    });
  }

  private identifier(): string | undefined {
    const first = this.reader.one(LETTER);
    return first === undefined ? undefined : first + this.reader.many(WORD);
  }

  private step(): string | undefined {
    const { reader } = this;
    return (
      reader.attempt(() => (reader.literal('.') ? this.identifier() : undefined)) ??
      this.index() ??
      reader.attempt(() => {
        const first = reader.literal('.') ? reader.one(DIGIT) : undefined;
        return first === undefined ? undefined : first + reader.many(DIGIT);
      })
    );
  }

  private index(): string | undefined {
    const { reader } = this;
    return reader.attempt(() => {
      if (!reader.literal('[')) return undefined;
      this.spaces();
      const start = reader.position;
      const key = this.string();
      if (key === undefined) {
        reader.position = start;
        return reader.not(() => this.string() !== undefined) ? reader.complain('"index"', 'Invalid index') : undefined;
      }
      this.spaces();
      return reader.literal(']') ? key : reader.complain('"index"', 'Unclosed index expression');
    });
  }

  private value(): string | undefined {
    return this.selector()?.text ?? this.number() ?? this.string();
  }

  private number(): string | undefined {
    const { reader } = this;
    return reader.attempt(() => {
      const start = reader.position;
      reader.literal('-');
      if (!this.digits()) return undefined;
      const followed = () => reader.ahead(() => this.space() || this.end() || reader.literal(')'));
      if (followed()) return reader.slice(start);
      return reader.not(followed) ? reader.complain('"number"', 'Invalid number literal') : undefined;
    });
  }

  private digits(): boolean {
    const { reader } = this;
    if (!reader.literal('0')) {
      if (reader.one(LEADING_DIGIT) === undefined) return false;
      reader.many(DIGIT);
    }
    reader.attempt(() => {
      if (!reader.literal('.') || reader.one(DIGIT) === undefined) return undefined;
      return reader.many(DIGIT);
    });
    return true;
  }

  private string(): string | undefined {
    const { reader } = this;
    return reader.attempt(() => {
      const start = reader.position;
      const closing = reader.literal('`') ? '`' : reader.literal('"') ? '"' : undefined;
      if (closing === undefined) return undefined;
      const inside = () => reader.not(() => reader.literal(closing)) && reader.anything();
      let more = true;
      while (more) more = inside();
      if (!reader.literal(closing)) {
        return this.end() ? reader.complain('"string"', 'Unterminated string literal') : undefined;
      }
      const text = unquote(reader.slice(start));
      if (text === undefined) reader.complain('"string"', 'invalid syntax', start);
      return text ?? '';
    });
  }

  private space(): boolean {
    if (this.reader.one(SPACE) === undefined) return false;
    this.reader.many(SPACE);
    return true;
  }

  private spaces(): true {
    this.reader.many(SPACE);
    return true;
  }

  private end(): boolean {
    return this.reader.not(() => this.reader.anything());
  }
}

const operator = (name: MatchOperator, negated: boolean, ...words: string[]) =>
  [{ operator: name, negated }, words] as const;

const VALUE_OPERATORS = [
  operator('equal', false, '?', '==', '?'),
  operator('equal', true, '?', '!=', '?'),
  operator('in', false, '_', 'contains', '_'),
  operator('in', true, '_', 'not', '_', 'contains', '_'),
  operator('matches', false, '_', 'matches', '_'),
  operator('matches', true, '_', 'not', '_', 'matches', '_'),
];
const STATE_OPERATORS = [
  operator('isEmpty', false, '_', 'is', '_', 'empty'),
  operator('isEmpty', true, '_', 'is', '_', 'not', '_', 'empty'),
  operator('isNil', false, '_', 'is', '_', 'nil'),
  operator('isNil', true, '_', 'is', '_', 'not', '_', 'nil'),
];
const MEMBER_OPERATORS = [operator('in', false, '_', 'in', '_'), operator('in', true, '_', 'not', '_', 'in', '_')];

/** Parses a filter expression; the error is the parser's text, without the caller's prefix (`1:6 (5): no match found, expected: …`). */
export const parseFilter = (text: string): Result<Expression> => new Parser(text).parse();
