import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const MIN_BYTES = 24;
const MAX_BYTES = 64;
const NEW_BYTES = 32;

/** What the secret of a webhook is encrypted as. */
export const webhookSecretContext = (id: string): string => `webhook ${id}`;

/** A secret as receivers are given it: https://www.standardwebhooks.com. */
export const newWebhookSecret = (): string => `${PREFIX}${randomBytes(NEW_BYTES).toString('base64')}`;

/** What is wrong with a secret that was given; undefined: nothing. */
export function webhookSecretProblem(secret: string): string | undefined {
  const encoded = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : '';
  const bytes = Buffer.from(encoded, 'base64');
  const isRead = encoded !== '' && bytes.toString('base64') === encoded;
  if (isRead && bytes.length >= MIN_BYTES && bytes.length <= MAX_BYTES) return undefined;
  return `Secret must be ${PREFIX} and ${MIN_BYTES} to ${MAX_BYTES} bytes in base64`;
}

/** The headers that say which message it is, when it was sent, and by whom: one signature for each secret. @param atS seconds since 1970 */
export function signedHeaders(
  secrets: readonly string[],
  id: string,
  atS: number,
  body: string,
): Readonly<Record<string, string>> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${atS}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': String(atS), 'webhook-signature': signatures.join(' ') };
}
