import type { Scope } from '../evaluate/scope.js';
import type { Attribute, Block } from '../syntax/ast.js';

/** What a body may hold. Names are in the order in which they are suggested. */
export interface BodySchema {
  readonly attributes: readonly {
    readonly name: string;
    readonly required?: boolean;
    /** A name or a type rather than a value: in JSON a text holds it. */
    readonly isSyntax?: boolean;
  }[];
  readonly blocks: readonly BlockSchema[];
}
export interface BlockSchema {
  readonly type: string;
  /** What its labels are called. */
  readonly labels: readonly string[];
}

/** A block, and what names mean in it. */
export interface ScopedBlock {
  readonly block: Block;
  readonly scope: Scope;
}

export interface Content {
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly blocks: readonly ScopedBlock[];
}
