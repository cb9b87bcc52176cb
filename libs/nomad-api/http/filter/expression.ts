/** What is compared: a field, an element or a map's value, by its path from the document. */
export interface Selector {
  readonly path: readonly string[];
  /** As error texts spell it; also its meaning when it stands where a value is expected. */
  readonly text: string;
}

export type MatchOperator = 'equal' | 'in' | 'matches' | 'isEmpty' | 'isNil';

/** A comparison; `negated` for `!=`, `not in`, `is not empty` … */
export interface Match {
  readonly kind: 'match';
  readonly operator: MatchOperator;
  readonly negated: boolean;
  readonly selector: Selector;
  /** Empty for the operators without a value. */
  readonly value: string;
}

/** `any|all <selector> as <names> { inner }`; the names are those of an element's place and of itself. */
export interface Collection {
  readonly kind: 'collection';
  readonly quantifier: 'any' | 'all';
  readonly selector: Selector;
  /** A single name: the element of a list, the key of a map. */
  readonly only: string | undefined;
  readonly index: string | undefined;
  readonly value: string | undefined;
  readonly inner: Expression;
}

export type Expression =
  | { readonly kind: 'or' | 'and'; readonly operands: readonly Expression[] }
  | { readonly kind: 'not'; readonly operand: Expression }
  | Match
  | Collection;
