import { multiError } from '@app/domain';
import { ProviderFault } from '@app/identity-providers';
import { NomadError } from '../../http/index.js';

/** The fault of a provider or a token as the answer to send; anything else as it was. */
export function loginFault(
  error: unknown,
  how: (of: ProviderFault['of']) => { readonly status: number; readonly prefix: string },
): unknown {
  if (!(error instanceof ProviderFault)) return error;
  const { status, prefix } = how(error.of);
  return new NomadError(prefix + error.message, status);
}

/** The values of fields that must not be empty. @throws NomadError (400) that names all that are */
export function requireFields(
  prefix: string,
  fields: readonly (readonly [what: string, value: string | undefined])[],
): string[] {
  const missing = fields.filter(([, value]) => !value).map(([what]) => `missing ${what}`);
  if (missing.length > 0) throw new NomadError(prefix + multiError(missing), 400);
  return fields.map(([, value]) => value!);
}
