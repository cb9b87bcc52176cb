/** A level of the blocks that have no label; empty: the block is not there. */
export type Level = '' | 'deny' | 'list' | 'read' | 'write' | 'scale';

/** A labelled block: what it grants where its label counts. Capabilities are complete: short forms and implied ones are among them. */
export interface LabelledRule {
  readonly label: string;
  /** The short form as it was written, empty if none. */
  readonly level: string;
  readonly capabilities: readonly string[];
}
export interface VariablesRule {
  readonly path: string;
  readonly capabilities: readonly string[];
}
export interface NamespaceRule extends LabelledRule {
  /** Null: there was no `variables` block. */
  readonly variables: readonly VariablesRule[] | null;
}

/** The rules of one policy, parsed. */
export interface PolicyRules {
  readonly namespaces: readonly NamespaceRule[];
  readonly nodePools: readonly LabelledRule[];
  readonly hostVolumes: readonly LabelledRule[];
  readonly node: Level;
  readonly agent: Level;
  readonly quota: Level;
  readonly plugin: Level;
  readonly operator: { readonly level: Level; readonly capabilities: readonly string[] } | null;
  readonly sentinel: { readonly level: Level; readonly capabilities: readonly string[] } | null;
}

export const NO_RULES: PolicyRules = {
  namespaces: [],
  nodePools: [],
  hostVolumes: [],
  node: '',
  agent: '',
  quota: '',
  plugin: '',
  operator: null,
  sentinel: null,
};
