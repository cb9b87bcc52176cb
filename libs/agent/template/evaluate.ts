import type { Block, Command, Node, Nodes, Operand, Pipeline, Template } from './parse.js';
import { TemplateError } from './template-error.js';
import {
  Dict,
  isList,
  isTrue,
  Item,
  printed,
  sortedEntries,
  textOfValue,
  type TemplateFunction,
  type Value,
} from './value.js';

/** Steps of one rendering. A function costs as much as the text and the lists it works on. */
const MAX_STEPS = 200_000;
const CHARACTERS_PER_STEP = 64;
/** Characters that a template, or one of its functions, may make. */
export const MAX_OUTPUT = 8 * 1024 * 1024;
const MAX_DEPTH = 200;

export interface Rendering {
  readonly functions: ReadonlyMap<string, TemplateFunction>;
  /** A key that is not there is an error, instead of `<no value>`. */
  readonly errMissingKey: boolean;
}

/** Carries a template out. Bounded in steps, depth and output. @throws TemplateError */
export function evaluate(template: Template, rendering: Rendering): string {
  return new Run(template, rendering).whole();
}

/** Variables from the innermost block outwards. */
interface Scope {
  readonly values: Map<string, Value>;
  readonly outer: Scope | null;
}
const within = (outer: Scope | null): Scope => ({ values: new Map(), outer });
const rootScope = (dot: Value): Scope => ({ values: new Map([['$', dot]]), outer: null });
type Flow = 'next' | 'break' | 'continue';

function scopeOf(name: string, scope: Scope): Scope {
  for (let at: Scope | null = scope; at !== null; at = at.outer) if (at.values.has(name)) return at;
  throw new TemplateError(`undefined variable ${JSON.stringify(name)}`);
}

class Run {
  private steps = 0;
  private depth = 0;
  private length = 0;
  private out: string[] = [];

  constructor(
    private readonly template: Template,
    private readonly rendering: Rendering,
  ) {}

  whole(): string {
    this.nodes(this.template.nodes, null, rootScope(null));
    return this.out.join('');
  }

  private step(cost = 1): void {
    this.steps += cost;
    if (this.steps > MAX_STEPS) throw new TemplateError('the template takes too many steps');
  }

  private deeper<T>(work: () => T): T {
    if (++this.depth > MAX_DEPTH) throw new TemplateError('the template is nested too deeply');
    const made = work();
    this.depth--;
    return made;
  }

  private nodes(nodes: Nodes, dot: Value, scope: Scope): Flow {
    return this.deeper(() => {
      for (const node of nodes) {
        const flow = this.node(node, dot, scope);
        if (flow !== 'next') return flow;
      }
      return 'next';
    });
  }

  private node(node: Node, dot: Value, scope: Scope): Flow {
    this.step();
    switch (node.kind) {
      case 'text':
        this.write(node.text);
        return 'next';
      case 'print': {
        const value = this.pipeline(node.pipeline, dot, scope);
        if (node.pipeline.names.length === 0) this.write(printed(value));
        return 'next';
      }
      case 'break':
      case 'continue':
        return node.kind;
      case 'template':
        this.call(node.name, node.pipeline === null ? null : this.pipeline(node.pipeline, dot, scope));
        return 'next';
      case 'range':
        return this.range(node, dot, scope);
      case 'if':
      case 'with': {
        const inner = within(scope);
        const value = this.pipeline(node.pipeline, dot, inner);
        if (!isTrue(value)) return this.nodes(node.otherwise, dot, inner);
        return this.nodes(node.body, node.kind === 'with' ? value : dot, inner);
      }
    }
  }

  private call(name: string, dot: Value): void {
    const nodes = this.template.defined.get(name);
    if (nodes === undefined) throw new TemplateError(`template ${JSON.stringify(name)} not defined`);
    this.nodes(nodes, dot, rootScope(dot));
  }

  private range(node: Block, dot: Value, outer: Scope): Flow {
    const { names, declares, ...pipeline } = node.pipeline;
    const value = this.pipeline({ ...pipeline, names: [], declares: false }, dot, outer);
    this.step(costOf(value));
    const [key, one] = names.length === 2 ? names : [undefined, names[0]];
    let isEmpty = true;
    for (const [position, element] of entriesOf(value)) {
      isEmpty = false;
      this.step();
      const scope = within(outer);
      const set = (name: string | undefined, to: Value): void => {
        if (name !== undefined) (declares ? scope : scopeOf(name, outer)).values.set(name, to);
      };
      set(key, position);
      set(one, element);
      if (this.nodes(node.body, element, scope) === 'break') break;
    }
    return isEmpty ? this.nodes(node.otherwise, dot, within(outer)) : 'next';
  }

  private pipeline({ commands, names, declares }: Pipeline, dot: Value, scope: Scope): Value {
    return this.deeper(() => {
      let value: Value;
      for (const [position, command] of commands.entries())
        value = this.command(command, dot, scope, position === 0 ? [] : [value]);
      for (const name of names) (declares ? scope : scopeOf(name, scope)).values.set(name, value);
      return value;
    });
  }

  private command([first, ...rest]: Command, dot: Value, scope: Scope, last: readonly Value[]): Value {
    this.step();
    if (first.kind !== 'function') {
      if (rest.length > 0 || last.length > 0) throw new TemplateError("can't give argument to non-function");
      return this.operand(first, dot, scope);
    }
    // These two look at no more than they need.
    if (first.name === 'and' || first.name === 'or') return this.junction(first.name, rest, dot, scope, last);
    const args = [...rest.map((one) => this.operand(one, dot, scope)), ...last];
    if (first.name === 'executeTemplate') return this.executed(args);
    const found = this.rendering.functions.get(first.name);
    if (found === undefined) throw new TemplateError(`function ${JSON.stringify(first.name)} not defined`);
    this.step(args.reduce<number>((sum, one) => sum + costOf(one), 0));
    const made = found(args);
    if (typeof made === 'string' && made.length > MAX_OUTPUT)
      throw new TemplateError(`${first.name} makes too much text`);
    this.step(costOf(made));
    return made;
  }

  private junction(
    name: 'and' | 'or',
    operands: readonly Operand[],
    dot: Value,
    scope: Scope,
    last: readonly Value[],
  ): Value {
    let value: Value = last[0];
    for (const operand of operands) {
      value = this.operand(operand, dot, scope);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return last.length > 0 ? last[0] : value;
  }

  /** The text that a defined template makes. */
  private executed([name, dot = null]: readonly Value[]): string {
    const before = this.out;
    this.out = [];
    this.call(textOfValue(name), dot);
    const text = this.out.join('');
    this.step(costOf(text));
    this.out = before;
    this.length -= text.length;
    return text;
  }

  private operand(operand: Operand, dot: Value, scope: Scope): Value {
    this.step();
    switch (operand.kind) {
      case 'literal':
        return operand.value;
      case 'field':
        return this.walk(dot, operand.path);
      case 'variable':
        return this.walk(scopeOf(operand.name, scope).values.get(operand.name), operand.path);
      case 'function':
        return this.command([operand], dot, scope, []);
      case 'pipeline':
        return this.walk(this.pipeline(operand.pipeline, dot, scope), operand.path);
    }
  }

  private walk(from: Value, path: readonly string[]): Value {
    return path.reduce((value, name) => this.member(value, name), from);
  }

  private member(value: Value, name: string): Value {
    if (value === null || value === undefined) throw new TemplateError(`nil pointer evaluating interface {}.${name}`);
    if (value instanceof Dict) {
      if (value.methods.has(name)) return value.methods.get(name);
      if (value.entries.has(name)) return value.entries.get(name);
      if (this.rendering.errMissingKey) throw new TemplateError(`map has no entry for key ${JSON.stringify(name)}`);
      return value.zero;
    }
    if (value instanceof Item && value.fields.has(name)) return value.fields.get(name);
    throw new TemplateError(`can't evaluate field ${name} in ${printed(value).slice(0, 100)}`);
  }

  private write(text: string): void {
    this.length += text.length;
    if (this.length > MAX_OUTPUT) throw new TemplateError('the template makes too much text');
    this.out.push(text);
  }
}

const costs = new WeakMap<object, number>();

/** The work that a value is to whoever reads all of it once. */
function costOf(value: Value): number {
  if (typeof value === 'string') return Math.ceil(value.length / CHARACTERS_PER_STEP);
  if (typeof value !== 'object' || value === null || value instanceof Item) return 0;
  const known = costs.get(value);
  if (known !== undefined) return known;
  const members = isList(value) ? value : [...value.entries.values()];
  const cost = members.reduce<number>((sum, one) => sum + costOf(one), members.length);
  costs.set(value, cost);
  return cost;
}

function* entriesOf(value: Value): Iterable<readonly [Value, Value]> {
  if (value === null || value === undefined) return;
  if (typeof value === 'bigint') for (let n = 0n; n < value; n++) yield [n, n];
  else if (isList(value)) for (const [position, one] of value.entries()) yield [BigInt(position), one];
  else if (value instanceof Dict) yield* sortedEntries(value);
  else throw new TemplateError(`range can't iterate over ${printed(value).slice(0, 100)}`);
}
