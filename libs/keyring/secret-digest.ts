import { hash, timingSafeEqual } from 'node:crypto';

/** What is kept of the secret of a node or a token: SHA-256, hexadecimal. */
export const digestOfSecret = (secret: string): string => hash('sha256', secret);

/** In a time that says nothing about either. */
export const isSameDigest = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
