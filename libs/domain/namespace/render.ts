import type { NamespaceState } from './state.js';

/** Nomad: Namespace; spec/http-api §2.7. What belongs to its enterprise edition is always empty. */
export const renderNamespace = (state: NamespaceState): object => ({
  Name: state.name,
  Description: state.description,
  Quota: '',
  Capabilities: state.capabilities,
  NodePoolConfiguration: null,
  VaultConfiguration: null,
  ConsulConfiguration: null,
  Meta: state.meta,
  Hash: state.hash === '' ? null : state.hash,
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
  RequiredExtraClaims: state.requiredExtraClaims,
  OptionalExtraClaims: state.optionalExtraClaims,
});
