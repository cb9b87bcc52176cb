import type { Diagnostics } from '../diagnostics.js';
import type { Range } from '../source.js';
import type { Expression } from './ast.js';
import type { Peeker } from './peeker.js';
import type { Token } from './tokens.js';

/** What the parsers of templates and `for` expressions need of the parser that they are part of. */
export interface ExpressionContext {
  readonly tokens: Peeker;
  readonly diagnostics: Diagnostics;
  readonly expression: () => Expression;
  readonly report: (summary: string, detail: string, range: Range) => void;
  /** Reports unless what follows an earlier error may only be its consequence. */
  readonly reportFirst: (summary: string, detail: string, at: Token | Range) => void;
  /** What stands where no expression could be parsed. */
  readonly placeholder: (range: Range) => Expression;
  /** Runs something, and tells whether it went wrong, so that the tokens are at an odd place. */
  readonly tried: <T>(run: () => T) => { readonly value: T; readonly failed: boolean };
}
