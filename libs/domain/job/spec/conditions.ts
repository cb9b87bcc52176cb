import { RE2JS } from 're2js';

/* Whether the right side of a condition can be read at all: regular expressions and versions, with the words of Go's packages. */

/** Why a regular expression does not compile, or null. RE2: linear in the text, whatever the expression. */
export function regexpFault(pattern: string): string | null {
  try {
    RE2JS.compile(pattern);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const METADATA = '(?:\\+[0-9A-Za-z~-]+(?:\\.[0-9A-Za-z~-]+)*)?';
const RELEASE = 'v?[0-9]+(?:\\.[0-9]+)*';
const LOOSE = `${RELEASE}(?:-[0-9][0-9A-Za-z~-]*(?:\\.[0-9A-Za-z~-]+)*|-?[A-Za-z~-][0-9A-Za-z~-]*(?:\\.[0-9A-Za-z~-]+)*)?`;
const STRICT = `${RELEASE}(?:-[0-9A-Za-z~-]+(?:\\.[0-9A-Za-z~-]+)*)?`;
const VERSION = new RegExp(`^(?:|=|!=|>|<|>=|<=|~>)\\s*${LOOSE}${METADATA}$`);
const SEMVER = new RegExp(`^(?:|=|!=|>|<|>=|<=)\\s*${STRICT}${METADATA}$`);
/** Longer ones are no versions; a bound on the work. */
const MAX_CONDITION = 256;

/** Why conditions on a version, separated by commas, cannot be read, or null. */
export function versionFault(conditions: string, kind: 'version' | 'semver'): string | null {
  const form = kind === 'version' ? VERSION : SEMVER;
  const wrong = conditions.split(',').find((one) => one.length > MAX_CONDITION || !form.test(one.trim()));
  return wrong === undefined ? null : `malformed constraint: ${wrong}`;
}
