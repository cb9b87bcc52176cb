import type { Index } from '@app/kernel';

/** Which task drivers and group network modes jobs of a namespace may use. Nomad: NamespaceCapabilities; null: not given. */
export interface NamespaceCapabilities {
  readonly EnabledTaskDrivers: readonly string[] | null;
  readonly DisabledTaskDrivers: readonly string[] | null;
  readonly EnabledNetworkModes: readonly string[] | null;
  readonly DisabledNetworkModes: readonly string[] | null;
}

/** What a write of a namespace says: all of it, what is left out is empty. Nomad: Namespace; spec/http-api §2.7. */
export interface NamespaceDefinition {
  readonly description: string;
  readonly capabilities: NamespaceCapabilities | null;
  readonly meta: Readonly<Record<string, string>> | null;
  readonly requiredExtraClaims: Readonly<Record<string, string>> | null;
  readonly optionalExtraClaims: Readonly<Record<string, string>> | null;
  /** Base64: differs when anything above does. */
  readonly hash: string;
}

export interface NamespaceState extends NamespaceDefinition {
  readonly name: string;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  /** Deleted; creating it anew continues the stream. */
  readonly purged: boolean;
}

export const DEFAULT_NAMESPACE = 'default';

/** The namespace that is there from the beginning, until somebody changes it. */
const BUILT_IN: NamespaceState = {
  name: DEFAULT_NAMESPACE,
  description: 'Default shared namespace',
  capabilities: null,
  meta: null,
  requiredExtraClaims: null,
  optionalExtraClaims: null,
  hash: '',
  createIndex: 1,
  modifyIndex: 1,
  purged: false,
};

/** The namespace of this name, where `state` is that of its stream; undefined: there is none. */
export function presentNamespace(name: string, state: NamespaceState | undefined): NamespaceState | undefined {
  if (state === undefined) return name === DEFAULT_NAMESPACE ? BUILT_IN : undefined;
  return state.purged ? undefined : state;
}
