import { compare as compareSemver } from 'semver';

interface Version {
  readonly segments: readonly number[];
  readonly prerelease: string;
}

/** What follows the segments without a hyphen begins with a letter: no text can be read in two ways, so the work grows with its length only. */
const VERSION = /^v?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z-][0-9A-Za-z.-]*)|([A-Za-z][0-9A-Za-z.-]*))?(?:\+[0-9A-Za-z.-]+)?$/;
const OPERATORS = ['!=', '<=', '>=', '~>', '=', '<', '>'];

function parse(text: string): Version | null {
  const match = VERSION.exec(text.trim());
  if (match === null) return null;
  return { segments: (match[1] ?? '0').split('.').map(Number), prerelease: match[2] ?? match[3] ?? '' };
}

function compareSegments(a: Version, b: Version): number {
  const length = Math.max(a.segments.length, b.segments.length);
  for (let i = 0; i < length; i++) {
    const difference = (a.segments[i] ?? 0) - (b.segments[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compare(a: Version, b: Version): number {
  const bySegments = compareSegments(a, b);
  if (bySegments !== 0 || a.prerelease === b.prerelease) return bySegments;
  if (a.prerelease === '' || b.prerelease === '') return a.prerelease === '' ? 1 : -1;
  try {
    return compareSemver(`0.0.0-${a.prerelease}`, `0.0.0-${b.prerelease}`);
  } catch {
    // Not a prerelease that semantic versioning knows, such as one with leading zeros.
    return a.prerelease < b.prerelease ? -1 : 1;
  }
}

/** `~> 1.2.3`: at least that, and equal in all segments but the last. */
function withinPessimistic(version: Version, bound: Version): boolean {
  if (compare(version, bound) < 0) return false;
  return bound.segments.slice(0, -1).every((segment, i) => (version.segments[i] ?? 0) === segment);
}

function holds(operator: string, version: Version, bound: Version): boolean {
  switch (operator) {
    case '':
    case '=':
      return compare(version, bound) === 0;
    case '!=':
      return compare(version, bound) !== 0;
    case '<':
      return compare(version, bound) < 0;
    case '<=':
      return compare(version, bound) <= 0;
    case '>':
      return compare(version, bound) > 0;
    case '>=':
      return compare(version, bound) >= 0;
    case '~>':
      return withinPessimistic(version, bound);
    default:
      return false;
  }
}

/**
 * A predicate for the `version` and `semver` operators: conditions separated by commas, all of which must hold. With `version`, a prerelease
 * satisfies an ordering condition only if the condition names a prerelease of the same version; `semver` orders strictly by
 * precedence and knows no `~>`. A condition that cannot be read never holds. Source: spec/lifecycle §1.3 (constraint operators).
 */
export function versionPredicate(conditions: string, kind: 'version' | 'semver'): (text: string) => boolean {
  const parsed = conditions.split(',').map((condition) => {
    const text = condition.trim();
    const operator = OPERATORS.find((one) => text.startsWith(one)) ?? '';
    return { operator, bound: parse(text.slice(operator.length)) };
  });
  return (text) => {
    const version = parse(text);
    if (version === null || (kind === 'semver' && version.segments.length !== 3)) return false;
    return parsed.every(({ operator, bound }) => {
      if (bound === null || (kind === 'semver' && operator === '~>')) return false;
      const ordering = operator !== '' && operator !== '=' && operator !== '!=';
      if (kind === 'version' && ordering && version.prerelease !== '') {
        if (bound.prerelease === '' || compareSegments(version, bound) !== 0) return false;
      }
      return holds(operator, version, bound);
    });
  };
}
