import type { Range } from '../source.js';
import type { JsonObjectNode } from './json-node.js';
import type { Value } from '../values/value.js';

/** A step of a reference: `.name` or `[key]` with a key that is written there. */
export type Step =
  | { readonly kind: 'attribute'; readonly name: string; readonly range: Range }
  | { readonly kind: 'index'; readonly key: Value; readonly range: Range };

export type Expression =
  | { readonly kind: 'literal'; readonly value: Value; readonly range: Range }
  /** A name with steps; `written` is how an interpolation writes it, blanks included. */
  | {
      readonly kind: 'reference';
      readonly root: string;
      readonly steps: readonly Step[];
      readonly range: Range;
      readonly written?: string;
    }
  | { readonly kind: 'steps'; readonly source: Expression; readonly steps: readonly Step[]; readonly range: Range }
  | {
      readonly kind: 'index';
      readonly collection: Expression;
      readonly key: Expression;
      readonly range: Range;
      readonly brackets: Range;
    }
  /** `each` is evaluated for each element, which it refers to by an `item`. */
  | {
      readonly kind: 'splat';
      readonly source: Expression;
      readonly each: Expression;
      readonly range: Range;
      readonly marker: Range;
    }
  | { readonly kind: 'item'; readonly range: Range }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly nameRange: Range;
      readonly args: readonly Expression[];
      readonly expandFinal: boolean;
      readonly open: Range;
      readonly close: Range;
      readonly range: Range;
    }
  | {
      readonly kind: 'conditional';
      readonly condition: Expression;
      readonly whenTrue: Expression;
      readonly whenFalse: Expression;
      readonly range: Range;
    }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
      readonly range: Range;
    }
  | {
      readonly kind: 'unary';
      readonly operator: '-' | '!';
      readonly operand: Expression;
      readonly range: Range;
      readonly symbol: Range;
    }
  | { readonly kind: 'tuple'; readonly items: readonly Expression[]; readonly range: Range; readonly open: Range }
  | { readonly kind: 'object'; readonly items: readonly ObjectItem[]; readonly range: Range; readonly open: Range }
  | ForExpression
  | { readonly kind: 'template'; readonly parts: readonly Expression[]; readonly range: Range }
  /** A template that is nothing but one interpolation: its value as it is. */
  | { readonly kind: 'wrap'; readonly wrapped: Expression; readonly range: Range }
  /** `%{ for }`: the texts of a tuple, joined. */
  | { readonly kind: 'join'; readonly tuple: Expression; readonly range: Range }
  | { readonly kind: 'parentheses'; readonly inner: Expression; readonly range: Range };

export interface ObjectItem {
  readonly key: Expression;
  /** A bare name as key is a text. */
  readonly literalKey?: string;
  readonly value: Expression;
}

export interface ForExpression {
  readonly kind: 'for';
  readonly keyName: string | undefined;
  readonly valueName: string;
  readonly collection: Expression;
  readonly key: Expression | undefined;
  readonly value: Expression;
  readonly condition: Expression | undefined;
  readonly group: boolean;
  readonly range: Range;
  readonly open: Range;
}

export interface Attribute {
  readonly name: string;
  readonly expression: Expression;
  readonly range: Range;
  readonly nameRange: Range;
}

export interface Block {
  readonly type: string;
  readonly labels: readonly string[];
  readonly body: Body;
  readonly typeRange: Range;
  readonly labelRanges: readonly Range[];
  readonly openRange: Range;
  /** Type and labels. */
  readonly headRange: Range;
}

export interface Body {
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly blocks: readonly Block[];
  /** Where what is missing is told to be missing: the opening brace, without extent. */
  readonly missing: Range;
  /** Of HCL's JSON syntax: what is an attribute and what a block is not known yet. */
  readonly json?: JsonObjectNode;
}

/** Where a problem with a whole expression is told to be: its beginning. */
export function startOf(expression: Expression): Range {
  switch (expression.kind) {
    case 'call':
      return { ...expression.nameRange, end: expression.open.end };
    case 'conditional':
      return startOf(expression.condition);
    case 'binary':
      return startOf(expression.left);
    case 'tuple':
    case 'object':
    case 'for':
      return expression.open;
    case 'splat':
      return expression.marker;
    case 'unary':
      return expression.symbol;
    case 'template':
      return expression.parts[0] === undefined ? expression.range : startOf(expression.parts[0]);
    default:
      return expression.range;
  }
}
