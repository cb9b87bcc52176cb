import type { Range } from '../source.js';

/** A value of a JSON text, and where it stands. */
export type JsonNode =
  | JsonObjectNode
  | { readonly kind: 'array'; readonly items: readonly JsonNode[]; readonly range: Range; readonly open: Range }
  | { readonly kind: 'string'; readonly text: string; readonly range: Range }
  | { readonly kind: 'number'; readonly digits: string; readonly range: Range }
  | { readonly kind: 'keyword'; readonly value: boolean | null; readonly range: Range };

export interface JsonObjectNode {
  readonly kind: 'object';
  readonly members: readonly JsonMember[];
  readonly range: Range;
  readonly open: Range;
}
export interface JsonMember {
  readonly name: string;
  readonly nameRange: Range;
  readonly value: JsonNode;
}
