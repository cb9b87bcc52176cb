import type { AuthMethodConfig } from '@app/domain';
import { isExactNumber, ownProperty } from '@app/kernel';
import { fail, ok, type Result } from '../../http/index.js';

/** What a token says of whoever shows it, by the names that its method gives to claims. */
export interface MappedClaims {
  readonly value: ReadonlyMap<string, string>;
  readonly list: ReadonlyMap<string, readonly string[]>;
}

/** Picks the claims that a method has names for; those that are missing are left out. Fails at a claim that is no text, boolean or number. */
export function mapClaims(
  claims: object,
  { claimMappings, listClaimMappings }: Pick<AuthMethodConfig, 'claimMappings' | 'listClaimMappings'>,
): Result<MappedClaims> {
  const value = new Map<string, string>();
  for (const [claim, name] of claimMappings ?? []) {
    const found = claimOf(claims, claim);
    if (found === undefined || found === null) continue;
    const text = textOf(found);
    if (text === undefined) return unfit(claim, found);
    value.set(name, text);
  }
  const list = new Map<string, readonly string[]>();
  for (const [claim, name] of listClaimMappings ?? []) {
    const found = claimOf(claims, claim);
    if (found === undefined || found === null) continue;
    const texts: string[] = [];
    for (const element of Array.isArray(found) ? (found as unknown[]) : [found]) {
      const text = textOf(element);
      if (text === undefined) return unfit(claim, element);
      texts.push(text);
    }
    list.set(name, texts);
  }
  return ok({ value, list });
}

/** A claim by its name, or by a JSON pointer (RFC 6901) into one. */
function claimOf(claims: object, name: string): unknown {
  if (!name.startsWith('/')) return ownProperty(claims as Record<string, unknown>, name);
  let current: unknown = claims;
  for (const part of name.slice(1).split('/')) {
    if (typeof current !== 'object' || current === null) return undefined;
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    current = ownProperty(current as Record<string, unknown>, key);
  }
  return current;
}

function textOf(claim: unknown): string | undefined {
  if (typeof claim === 'string') return claim;
  if (isExactNumber(claim)) return claim.rawJSON;
  return typeof claim === 'boolean' || typeof claim === 'number' ? String(claim) : undefined;
}

const unfit = (claim: string, value: unknown): Result<never> => {
  const type = value === null ? 'nil' : Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
  return fail(`error converting claim '${claim}' to string from unknown type ${type}`);
};
