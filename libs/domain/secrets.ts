import type { Json } from '@app/kernel';

/**
 * What events hold for the server alone, by type: secrets are kept as digests, and not even those leave it — in no record of Kafka, no history, no
 * export. An event type with such a member is listed here; secrets.unit.spec.ts finds those that are not.
 */
export const SECRET_MEMBERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['NodeRegistered', ['secretDigest']],
  ['AclTokenCreated', ['secretDigest']],
  ['AclAuthMethodDefined', ['secrets']],
  ['OneTimeSecretIssued', ['oneTimeDigest']],
  ['OneTimeSecretExchanged', ['oneTimeDigest']],
  // Ciphertext is of no use to others, and what nobody has nobody can try keys on.
  ['RootKeyAdded', ['sealed']],
  ['VariableWritten', ['sealed']],
  ['VariableLocked', ['sealed', 'lock']],
  ['VariableResealed', ['sealed']],
]);

/** The data of an event as others may see it. */
export function publicData(type: string, data: Json): Json {
  const hidden = SECRET_MEMBERS.get(type);
  if (hidden === undefined || typeof data !== 'object' || data === null || Array.isArray(data)) return data;
  return Object.fromEntries(Object.entries(data).filter(([name]) => !hidden.includes(name)));
}
