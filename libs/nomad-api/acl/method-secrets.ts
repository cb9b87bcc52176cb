import type { AclAuthMethodState, AuthMethodSecrets } from '@app/domain';
import type { Keyring } from '@app/keyring';

const contextOf = (method: string, member: keyof AuthMethodSecrets): string => `auth method ${method} ${member}`;

/** The secrets of auth methods: encrypted in the log, opened only to be shown to the provider of the method. */
export class MethodSecrets {
  constructor(private readonly keyring: Pick<Keyring, 'sealSecret' | 'openSecret'>) {}

  seal(method: string, member: keyof AuthMethodSecrets, secret: string): string {
    return this.keyring.sealSecret(secret, contextOf(method, member));
  }

  /** Empty: the method has no such secret. @throws KeyringUnavailable */
  open({ name, secrets }: AclAuthMethodState, member: keyof AuthMethodSecrets): string {
    const sealed = secrets[member];
    return sealed === '' ? '' : this.keyring.openSecret(sealed, contextOf(name, member));
  }
}
