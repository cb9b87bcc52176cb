export { KeyEncryptionKey, loadKeyEncryptionKey, type KeySource } from './key-encryption-key.js';
export { AllocationIdentities, type IdentityAnswer, type WantedIdentity } from './allocation-identities.js';
export { Keyring, KeyringUnavailable, type Items } from './keyring.js';
export { digestOfSecret, isSameDigest } from './secret-digest.js';
export { IdentityTokens, type IdentityClaims, type SignedIdentity, type VerifiedIdentity } from './identity-tokens.js';
export { newWebhookSecret, signedHeaders, webhookSecretContext, webhookSecretProblem } from './webhook-secrets.js';
