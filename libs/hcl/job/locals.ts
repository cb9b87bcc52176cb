import { Diagnostics } from '../diagnostics.js';
import { evaluate } from '../evaluate/evaluate.js';
import type { Evaluation } from '../evaluate/scope.js';
import type { Attribute } from '../syntax/ast.js';
import { references } from '../syntax/references.js';
import { object, type Value } from '../values/value.js';

/** What `local` is. Locals may refer to each other in any order; one that is defined again counts from its last definition. */
export function evaluateLocals(attributes: readonly Attribute[], variables: Value, evaluation: Evaluation): Value {
  const definitions = new Map(attributes.map((attribute) => [attribute.name, attribute]));
  const values = new Map<string, Value>();
  for (const name of inOrder(definitions)) {
    const { expression } = definitions.get(name)!;
    const diagnostics = new Diagnostics();
    const names = new Map([
      ['var', variables],
      ['local', object(values)],
    ]);
    const value = evaluate(expression, { ...evaluation, scope: { names }, diagnostics });
    evaluation.diagnostics.addAll(diagnostics);
    evaluation.budget.spend(values.size);
    if (!diagnostics.any) values.set(name, value);
  }
  return object(values);
}

/** Each after those that it refers to, as far as they do not go in a circle. */
function inOrder(definitions: ReadonlyMap<string, Attribute>): readonly string[] {
  const order = new Set<string>();
  const open = new Set<string>();
  const wanted = [...definitions.keys()].reverse().map((name) => ({ name, needs: undefined as string[] | undefined }));
  while (wanted.length > 0) {
    const next = wanted.at(-1)!;
    if (order.has(next.name)) {
      wanted.pop();
      continue;
    }
    open.add(next.name);
    next.needs ??= needsOf(definitions.get(next.name)!).filter((name) => definitions.has(name));
    const missing = next.needs.pop();
    if (missing === undefined) {
      order.add(next.name);
      open.delete(next.name);
    } else if (!order.has(missing) && !open.has(missing)) wanted.push({ name: missing, needs: undefined });
  }
  return [...order];
}

const needsOf = ({ expression }: Attribute): string[] =>
  references(expression).flatMap(({ root, steps }) => {
    const [first] = steps;
    if (root !== 'local' || first === undefined) return [];
    if (first.kind === 'attribute') return [first.name];
    return first.key.kind === 'string' ? [first.key.text] : [];
  });
