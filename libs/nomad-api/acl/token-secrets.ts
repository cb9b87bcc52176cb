import { digestOfSecret, isSameDigest, type Keyring } from '@app/keyring';

const UUID_DIGITS = 32;

/**
 * The secrets of tokens. They are stored nowhere: each is made of the token's accessor by the servers' own key, which the database does not hold, so
 * that it can be shown again as Nomad does. One that was brought along to a bootstrap cannot.
 */
export class TokenSecrets {
  constructor(private readonly keyring: Pick<Keyring, 'digest'>) {}

  of(accessorId: string): string {
    return this.derived(`acl token ${accessorId}`);
  }

  oneTime(id: string): string {
    return this.derived(`acl one-time token ${id}`);
  }

  /** Empty for one that was not made here, or by another key. */
  shown({ accessorId, secretDigest }: { readonly accessorId: string; readonly secretDigest: string }): string {
    const secret = this.of(accessorId);
    return isSameDigest(digestOfSecret(secret), secretDigest) ? secret : '';
  }

  private derived(purpose: string): string {
    const digits = this.keyring.digest(Buffer.from(purpose)).slice(0, UUID_DIGITS);
    return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
  }
}
