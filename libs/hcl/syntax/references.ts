import type { Expression } from './ast.js';

type Reference = Extract<Expression, { readonly kind: 'reference' }>;

/** What an expression refers to, without the names that it introduces itself. */
export function references(expression: Expression, bound: ReadonlySet<string> = new Set()): readonly Reference[] {
  const of = (...parts: readonly (Expression | undefined)[]) =>
    parts.flatMap((part) => (part === undefined ? [] : references(part, bound)));
  switch (expression.kind) {
    case 'literal':
    case 'item':
      return [];
    case 'reference':
      return bound.has(expression.root) ? [] : [expression];
    case 'steps':
      return of(expression.source);
    case 'index':
      return of(expression.collection, expression.key);
    case 'splat':
      return of(expression.source, expression.each);
    case 'call':
      return of(...expression.args);
    case 'conditional':
      return of(expression.condition, expression.whenTrue, expression.whenFalse);
    case 'binary':
      return of(expression.left, expression.right);
    case 'unary':
      return of(expression.operand);
    case 'tuple':
      return of(...expression.items);
    case 'object':
      return of(
        ...expression.items.flatMap(({ key, literalKey, value }) =>
          literalKey === undefined ? [key, value] : [value],
        ),
      );
    case 'for': {
      const inner = new Set([
        ...bound,
        expression.valueName,
        ...(expression.keyName === undefined ? [] : [expression.keyName]),
      ]);
      const parts = [expression.key, expression.value, expression.condition];
      return [
        ...of(expression.collection),
        ...parts.flatMap((part) => (part === undefined ? [] : references(part, inner))),
      ];
    }
    case 'template':
      return of(...expression.parts);
    case 'wrap':
      return of(expression.wrapped);
    case 'join':
      return of(expression.tuple);
    case 'parentheses':
      return of(expression.inner);
  }
}
