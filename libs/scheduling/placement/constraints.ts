import { ownProperty } from '@app/kernel';
import type { Constraint, NodeDescription } from '@app/domain';
import { RE2JS } from 're2js';
import { versionPredicate } from './versions.js';

/** A condition on a node, ready to be asked many times. `reason` is what metrics count a refused node under. */
export interface NodeCheck {
  readonly reason: string;
  /** Looks at something that differs between nodes of one class, so that the answer cannot be kept per class. */
  readonly escaped: boolean;
  readonly passes: (node: NodeDescription) => boolean;
}

type Resolve = (node: NodeDescription) => string | undefined;

/** Reads a target: `${node.…}`, `${attr.KEY}`, `${meta.KEY}`, or a literal. undefined when the node does not have it. Source: spec/lifecycle §8.2. */
export function resolveTarget(target: string): Resolve {
  const path = /^\$\{(.+)\}$/.exec(target)?.[1];
  if (path === undefined) return () => target;
  if (path.startsWith('attr.')) {
    const key = path.slice('attr.'.length);
    return (node) => text(ownProperty(node.Attributes, key));
  }
  if (path.startsWith('meta.')) {
    const key = path.slice('meta.'.length);
    return (node) => text(ownProperty(node.Meta, key));
  }
  switch (path) {
    case 'node.unique.id':
      return (node) => node.ID;
    case 'node.unique.name':
      return (node) => node.Name;
    case 'node.datacenter':
      return (node) => node.Datacenter;
    case 'node.class':
      return (node) => node.NodeClass;
    case 'node.pool':
      return (node) => node.NodePool;
    default:
      return () => undefined;
  }
}

/** What a node says of itself is not to be trusted: an attribute that is no text is as good as none. */
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Source: spec/lifecycle §2.5. */
const isEscaped = (target: string): boolean => /^\$\{(node|attr|meta)\.unique\./.test(target);

/** distinct_hosts and distinct_property look at other allocations, not at the node alone. */
export const isDistinct = ({ Operand }: Constraint): boolean =>
  Operand === 'distinct_hosts' || Operand === 'distinct_property';

/** Compiles a constraint (or the condition of an affinity). An unknown operator never holds. */
export function compileConstraint({ LTarget, Operand, RTarget }: Constraint): NodeCheck {
  const left = resolveTarget(LTarget);
  const right = resolveTarget(RTarget);
  const test = tests(Operand);
  return {
    reason: `${LTarget} ${Operand} ${RTarget}`,
    escaped: isEscaped(LTarget) || isEscaped(RTarget),
    passes: (node) => test(left(node), right(node)),
  };
}

type Test = (left: string | undefined, right: string | undefined) => boolean;

const bothSet =
  (test: (left: string, right: string) => boolean): Test =>
  (left, right) =>
    left !== undefined && right !== undefined && test(left, right);

function tests(operand: string): Test {
  switch (operand) {
    case '=':
    case '==':
    case 'is':
      return bothSet((left, right) => left === right);
    case '!=':
    case 'not':
      return (left, right) => left !== right;
    case '<':
      return bothSet((left, right) => order(left, right) < 0);
    case '<=':
      return bothSet((left, right) => order(left, right) <= 0);
    case '>':
      return bothSet((left, right) => order(left, right) > 0);
    case '>=':
      return bothSet((left, right) => order(left, right) >= 0);
    case 'is_set':
      return (left) => left !== undefined;
    case 'is_not_set':
      return (left) => left === undefined;
    case 'regexp':
      return bothSet(remembering(regexpPredicate));
    case 'version':
    case 'semver':
      return bothSet(remembering((conditions) => versionPredicate(conditions, operand)));
    case 'set_contains':
    case 'set_contains_all':
      return bothSet((left, right) => {
        const present = new Set(elements(left));
        return elements(right).every((element) => present.has(element));
      });
    case 'set_contains_any':
      return bothSet((left, right) => {
        const present = new Set(elements(left));
        return elements(right).some((element) => present.has(element));
      });
    default:
      return () => false;
  }
}

const elements = (list: string): readonly string[] => list.split(',').map((element) => element.trim());

/** Compares as integers, else as floats, else as strings. */
function order(left: string, right: string): number {
  for (const form of [/^[+-]?\d+$/, /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i]) {
    if (form.test(left) && form.test(right)) return Number(left) - Number(right);
  }
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The right side is nearly always a literal: what it compiles to is kept for the next node. */
function remembering(compile: (right: string) => (left: string) => boolean): (left: string, right: string) => boolean {
  let known: { readonly right: string; readonly predicate: (left: string) => boolean } | null = null;
  return (left, right) => {
    if (known === null || known.right !== right) known = { right, predicate: compile(right) };
    return known.predicate(left);
  };
}

/** RE2 as in Nomad: linear in the input, whatever the pattern. A pattern that cannot be compiled matches nothing. */
function regexpPredicate(pattern: string): (text: string) => boolean {
  try {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.matcher(text).find();
  } catch {
    return () => false;
  }
}

/** Does one of a job's datacenter patterns match? `*` stands for any characters. Source: spec/lifecycle §8.1. */
export function matchesDatacenter(patterns: readonly string[], datacenter: string): boolean {
  return patterns.some((pattern) => pattern === '*' || pattern === datacenter || globMatches(pattern, datacenter));
}

function globMatches(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (parts.length === 1 || !text.startsWith(first)) return false;
  let position = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return text.length - last.length >= position && text.endsWith(last);
}

/** Does a job's pool admit the node? Source: spec/lifecycle §8.1. */
export const matchesPool = (pool: string, node: NodeDescription): boolean =>
  pool === '' || pool === 'all' || pool === node.NodePool;
