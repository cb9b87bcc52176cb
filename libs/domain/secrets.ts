import type { Json } from '@app/kernel';
import type { AnyEvent } from './upcasting/event-types.js';

/** Members that are secret by their names. */
type SecretName = `${string}Digest` | `${string}ecret${string}` | 'sealed' | 'lock';
/** Those of some data; events without any have `Record<string, never>`. */
type SecretsIn<D> = string extends keyof D ? never : keyof D & SecretName;
type SecretsOf<E extends { readonly type: string; readonly data: object }> = {
  readonly [T in E as SecretsIn<T['data']> extends never ? never : T['type']]: Readonly<
    Record<SecretsIn<T['data']>, true>
  >;
};

/**
 * What events hold for the server alone, by type: secrets are kept as digests, and not even those leave it — in no record of Kafka, no history, no
 * export. Without an entry for each event type with such a member, and for no other, this does not compile.
 */
const SECRETS: SecretsOf<AnyEvent> = {
  NodeRegistered: { secretDigest: true },
  AclTokenCreated: { secretDigest: true },
  AclAuthMethodDefined: { secrets: true },
  OneTimeSecretIssued: { oneTimeDigest: true },
  OneTimeSecretExchanged: { oneTimeDigest: true },
  // Ciphertext is of no use to others, and what nobody has nobody can try keys on.
  RootKeyAdded: { sealed: true },
  VariableWritten: { sealed: true },
  VariableLocked: { sealed: true, lock: true },
  VariableResealed: { sealed: true },
  WebhookDefined: { sealed: true },
};
export const SECRET_MEMBERS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(SECRETS).map(([type, members]) => [type, Object.keys(members)]),
);

/** The data of an event as others may see it. */
export function publicData(type: string, data: Json): Json {
  const hidden = SECRET_MEMBERS.get(type);
  if (hidden === undefined || typeof data !== 'object' || data === null || Array.isArray(data)) return data;
  return Object.fromEntries(Object.entries(data).filter(([name]) => !hidden.includes(name)));
}
