import type { Budget } from '../budget.js';
import type { Diagnostics } from '../diagnostics.js';
import type { Value } from '../values/value.js';

/** What names mean at some place of a file. */
export interface Scope {
  readonly names: ReadonlyMap<string, Value>;
  readonly parent?: Scope | undefined;
  /** The element that a splat looks at. */
  readonly item?: Value;
}

/** What an evaluation runs with. */
export interface Evaluation {
  readonly scope: Scope;
  readonly diagnostics: Diagnostics;
  readonly budget: Budget;
  /**
   * What a name that is not in scope is: `runtime`, the text `${name}` for whoever runs the job; `error`; or `constant`, an error because
   * nothing may be referred to or called here.
   */
  readonly unknownNames: 'runtime' | 'error' | 'constant';
}

export const EMPTY_SCOPE: Scope = { names: new Map() };

export function lookUp(scope: Scope, name: string): Value | undefined {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const value = at.names.get(name);
    if (value !== undefined) return value;
  }
  return undefined;
}

export function itemOf(scope: Scope): Value | undefined {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) if (at.item !== undefined) return at.item;
  return undefined;
}
