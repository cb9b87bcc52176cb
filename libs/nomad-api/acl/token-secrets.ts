import { digestOfSecret, isSameDigest, type Keyring } from '@app/keyring';

const UUID_DIGITS = 32;

/**
 * The secrets of tokens. They are stored nowhere: each is made of the token's accessor by the servers' own key, which the database does not hold, so
 * that it can be shown again as Nomad does. One that was brought along, to a bootstrap or with a token, cannot.
 */
export class TokenSecrets {
  constructor(private readonly keyring: Pick<Keyring, 'digest'>) {}

  of(accessorId: string): string {
    return this.derived(`acl token ${accessorId}`);
  }

  oneTime(id: string): string {
    return this.derived(`acl one-time token ${id}`);
  }

  /** Of these: the one that was made here, the one that somebody brought along. Empty for one that is neither, or made by another key. */
  shown(
    { accessorId, secretDigest }: { readonly accessorId: string; readonly secretDigest: string },
    brought = '',
  ): string {
    return [this.of(accessorId), brought].find((secret) => isSameDigest(digestOfSecret(secret), secretDigest)) ?? '';
  }

  private derived(purpose: string): string {
    const digits = this.keyring.digest(Buffer.from(purpose)).slice(0, UUID_DIGITS);
    return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
  }
}
