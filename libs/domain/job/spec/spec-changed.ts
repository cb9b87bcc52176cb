import type { JobSpec } from '../../nomad.js';
import type { JobVersion, VersionTag } from '../state.js';

/** Structural equality of JSON values; the order of keys does not count, an absent member equals an undefined one. */
export function jsonEqual(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    return (
      Array.isArray(left) &&
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((member, position) => jsonEqual(member, right[position]))
    );
  }
  const a = new Map(Object.entries(left).filter(([, member]) => member !== undefined));
  const b = new Map(Object.entries(right).filter(([, member]) => member !== undefined));
  return a.size === b.size && [...a].every(([key, member]) => b.has(key) && jsonEqual(member, b.get(key)));
}

/**
 * Whether registering `next` over a version makes a new version. The server's bookkeeping does not count; everything else does, the
 * version's tag too: a request without it wants it gone. Source: spec/lifecycle §1.4.
 */
export const specChanged = (
  existing: Pick<JobVersion, 'spec' | 'versionTag'>,
  next: JobSpec,
  nextTag: VersionTag | null = null,
): boolean => !jsonEqual(existing.versionTag, nextTag) || !jsonEqual(existing.spec, next);
