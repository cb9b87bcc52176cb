export { ProviderFault } from './provider-fault.js';
export { IdentityProviders } from './identity-providers.js';
export type { AuthorizationRequest, CodeExchange, MethodConfig, ProviderSecrets } from './method-config.js';
