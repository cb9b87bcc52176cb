import { quoted } from '@app/kernel';
import { fail, ok, type Result } from '../result.js';
import type { Collection, Expression } from './expression.js';
import { matches, matchesMissing } from './match.js';
import { parseFilter } from './parse.js';
import { int, string, type FilterType } from './type.js';
import { dereference, elementsOf, FilterFault, find, membersOf, spellPath, type Found, type Value } from './value.js';

/** Stands before the text of an expression that cannot be parsed; status 400. The command line client looks for its first half. */
export const FILTER_SYNTAX_PREFIX = 'failed to create result paginator: failed to read filter expression: ';
/** Stands before the text of an expression that cannot be evaluated; status 400. */
export const FILTER_EVALUATION_PREFIX = 'failed to read result page: ';

/** A name bound by `any` or `all`: an alias of a path, or a key or index itself. */
interface Binding {
  readonly name: string;
  readonly path?: readonly string[];
  readonly value?: Value;
}
interface Scope {
  readonly document: Value;
  readonly budget: Budget;
  /** Innermost last. */
  readonly bindings: readonly Binding[];
}

/** Steps that a filter may take on one document, and on all the documents of a request: nested quantifiers multiply. */
const MAX_STEPS = 20_000;
const MAX_STEPS_IN_ALL = 1_000_000;
const FREE_STEPS = 200;

interface Budget {
  left: number;
}

function resolve(path: readonly string[], scope: Scope): Found {
  let resolved = path;
  for (const { name, path: alias, value } of scope.bindings.toReversed()) {
    if (resolved[0] !== name) continue;
    if (alias) {
      resolved = [...alias, ...resolved.slice(1)];
    } else if (value) {
      if (resolved.length === 1) return { value };
      const type = value.type === int ? 'int' : 'string';
      throw new FilterFault(`${spellPath([name])} references a ${type} so ${spellPath(resolved)} is invalid`);
    }
  }
  return find(scope.document, resolved);
}

/** What the names of a collection stand for, element by element. */
function* bindingsOf(collection: Collection, { type, json }: Value): Generator<Binding[]> {
  const { only, index, value, selector } = collection;
  const bound = (name: string | undefined, binding: Omit<Binding, 'name'>): Binding[] =>
    name === undefined ? [] : [{ name, ...binding }];
  if (type?.kind === 'map') {
    for (const key of Object.keys(membersOf(json))) {
      const itself = { value: { type: string, json: key } };
      const path = [...selector.path, key];
      yield [...bound(only, itself), ...bound(index, itself), ...bound(value, { path })];
    }
    return;
  }
  for (const i of elementsOf(json).keys()) {
    const path = [...selector.path, String(i)];
    yield [...bound(index, { value: { type: int, json: i } }), ...bound(only, { path }), ...bound(value, { path })];
  }
}

function evaluateCollection(collection: Collection, scope: Scope): boolean {
  const { quantifier, selector, index, value, inner } = collection;
  const found = resolve(selector.path, scope);
  if (!found) return quantifier === 'all';
  const { type, json } = found.value;
  const isDynamic = type?.kind === 'any' && typeof json === 'object' && json !== null;
  const kind = isDynamic ? (Array.isArray(json) ? 'list' : 'map') : type?.kind;
  if (kind !== 'map' && kind !== 'list') throw new FilterFault(`${selector.text} is not a list or a map`);
  const container: Value = isDynamic ? { type: { kind, goType: '', element: type }, json } : found.value;
  for (const bindings of bindingsOf(collection, container)) {
    if (index !== undefined && index === value) {
      throw new FilterFault(`${quoted(index)} cannot be used as a placeholder for both the index and the value`);
    }
    const holds = evaluate(inner, { ...scope, bindings: [...scope.bindings, ...bindings] });
    if (holds === (quantifier === 'any')) return holds;
  }
  return quantifier === 'all';
}

function evaluate(expression: Expression, scope: Scope): boolean {
  if (scope.budget.left-- <= 0) throw new FilterFault('the expression takes too many steps: nest fewer quantifiers');
  switch (expression.kind) {
    case 'or':
      return expression.operands.some((operand) => evaluate(operand, scope));
    case 'and':
      return expression.operands.every((operand) => evaluate(operand, scope));
    case 'not':
      return !evaluate(expression.operand, scope);
    case 'collection':
      return evaluateCollection(expression, scope);
    case 'match': {
      const found = resolve(expression.selector.path, scope);
      const holds = found ? matches(dereference(found.value), expression) : matchesMissing(expression);
      return holds !== expression.negated;
    }
  }
}

/** A compiled filter expression. */
export interface Filter {
  /** For a translation to SQL. */
  readonly expression: Expression;
  /** Whether a document (as rendered, empty members may be left out) fits; the error is Nomad's text without its prefix. */
  matches(document: object): Result<boolean>;
}

/** Compiles an expression for documents of a type. The error is the parser's text, to stand after {@link FILTER_SYNTAX_PREFIX}. */
export function compileFilter(text: string, type: FilterType): Result<Filter> {
  const parsed = parseFilter(text);
  if (!parsed.ok) return parsed;
  let inAll = MAX_STEPS_IN_ALL;
  return ok({
    expression: parsed.value,
    matches(document) {
      // What any filter needs to look at each document once is never refused, however many there are.
      const allowed = Math.max(Math.min(MAX_STEPS, inAll), FREE_STEPS);
      const budget = { left: allowed };
      try {
        const result = evaluate(parsed.value, { document: { type, json: document }, bindings: [], budget });
        inAll -= allowed - budget.left;
        return ok(result);
      } catch (fault) {
        if (fault instanceof FilterFault) return fail(fault.text);
        throw fault;
      }
    },
  });
}
