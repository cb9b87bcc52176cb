import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { StartupError } from '../startup-error.js';
import { Configuration } from './configuration.js';
import type { Setting } from './setting.js';
import { settingsOf } from './setting.js';

const PREFIX = 'ROLLBOOK_';
const EXIT_CODE = 2;
/** Edits that still count as a slip of the fingers. */
const LARGEST_SLIP = 3;

/** The environment says something that cannot be meant. `problems` has a sentence for each mistake. */
export class ConfigurationError extends StartupError {
  override readonly name = 'ConfigurationError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\nrollbook: '), EXIT_CODE);
  }
}

/** What is made of settings that are well-formed each, and may still not fit together. @throws ConfigurationError with the sentence of its Error. */
export function configured<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new ConfigurationError([(error as Error).message]);
  }
}

/** Levenshtein's distance, for "did you mean". */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

function unknownName(name: string, settings: readonly Setting[]): string {
  const [nearest] = settings
    .map((setting) => ({ name: setting.name, distance: editDistance(setting.name, name) }))
    .sort((a, b) => a.distance - b.distance);
  const hint =
    nearest && nearest.distance <= LARGEST_SLIP
      ? `did you mean ${nearest.name}?`
      : 'docs/configuration.md has the list.';
  return `there is no setting ${name}; ${hint}`;
}

const malformed = ({ name, values }: Setting, value: string): string => {
  // Addresses of databases carry passwords, and keys are secrets.
  const shown = /_(URL|KEY|TOKEN|PASSWORD)$/.test(name) ? 'that' : JSON.stringify(value);
  return `${name} must be ${values.replaceAll('`', '')}; ${shown} is not.`;
};

/**
 * Reads the configuration from environment variables; an empty variable counts as unset.
 * @throws ConfigurationError for names with our prefix that nobody knows and for values that do not fit, all at once.
 */
export function loadConfiguration(env: NodeJS.ProcessEnv): Configuration {
  const settings = settingsOf(Configuration);
  const known = new Set(settings.map(({ name }) => name));
  const given = settings.filter(({ name }) => (env[name] ?? '') !== '');
  const configuration = plainToInstance(
    Configuration,
    Object.fromEntries(given.map(({ name, property }) => [property, env[name]])),
  );
  const wrong = new Set(validateSync(configuration).map(({ property }) => property));
  const problems = [
    ...Object.keys(env)
      .filter((name) => name.startsWith(PREFIX) && !known.has(name))
      .map((name) => unknownName(name, settings)),
    ...given.filter(({ property }) => wrong.has(property)).map((setting) => malformed(setting, env[setting.name]!)),
  ];
  if (problems.length > 0) throw new ConfigurationError(problems);
  return Object.freeze(configuration);
}
