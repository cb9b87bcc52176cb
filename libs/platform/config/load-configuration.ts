import { readFileSync } from 'node:fs';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { StartupError } from '../startup-error.js';
import { AgentConfiguration } from './agent-configuration.js';
import { Configuration } from './configuration.js';
import { OpsConfiguration } from './ops-configuration.js';
import type { Setting } from './setting.js';
import { secretFile, settingsOf } from './setting.js';

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

/** Of settings that are as near as each other, one of the process itself is meant. */
function unknownName(name: string, settings: readonly Setting[]): string {
  const [nearest] = [...new Set([...settings.map((setting) => setting.name), ...KNOWN])]
    .map((known) => ({ name: known, distance: editDistance(known, name) }))
    .sort((a, b) => a.distance - b.distance);
  const hint =
    nearest && nearest.distance <= LARGEST_SLIP
      ? `did you mean ${nearest.name}?`
      : 'docs/configuration.md has the list.';
  return `there is no setting ${name}; ${hint}`;
}

const malformed = ({ name, values, secret = false }: Setting, value: string): string => {
  const shown = secret ? 'that' : JSON.stringify(value);
  return `${name} must be ${values.replaceAll('`', '')}; ${shown} is not.`;
};

/** The names that somebody reads: an environment may be one for all processes. */
const KNOWN: ReadonlySet<string> = new Set(
  [OpsConfiguration, AgentConfiguration]
    .flatMap(settingsOf)
    .flatMap((setting) => [setting.name, secretFile(setting) ?? setting.name]),
);

/** What the environment says of a setting, or the file that it names. @throws Error with a sentence */
function givenValue(env: NodeJS.ProcessEnv, setting: Setting): string | undefined {
  const { name } = setting;
  const fileName = secretFile(setting);
  const value = env[name] || undefined;
  const file = fileName === undefined ? undefined : env[fileName] || undefined;
  if (file === undefined) return value;
  if (value !== undefined) throw new Error(`${name} and ${fileName} are both set; set one of them.`);
  try {
    return readFileSync(file, 'utf8').trimEnd();
  } catch (error) {
    throw new Error(`${fileName} must be a file that can be read: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

function load<T extends object>(schema: new () => T, env: NodeJS.ProcessEnv): T {
  const settings = settingsOf(schema);
  const problems = Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !KNOWN.has(name))
    .map((name) => unknownName(name, settings));
  const given = new Map<Setting, string>();
  for (const setting of settings) {
    try {
      const value = givenValue(env, setting);
      if (value !== undefined) given.set(setting, value);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  const configuration = plainToInstance(
    schema,
    Object.fromEntries([...given].map(([{ property }, value]) => [property, value])),
  );
  const wrong = new Set(validateSync(configuration).map(({ property }) => property));
  for (const [setting, value] of given) if (wrong.has(setting.property)) problems.push(malformed(setting, value));
  if (problems.length > 0) throw new ConfigurationError(problems);
  return Object.freeze(configuration);
}

/**
 * Reads a server's configuration from environment variables; an empty variable counts as unset. Settings of other processes are passed over.
 * @throws ConfigurationError for names with our prefix that nobody knows and for values that do not fit, all at once.
 */
export const loadConfiguration = (env: NodeJS.ProcessEnv): Configuration => load(Configuration, env);

/** The same for a node agent. @throws ConfigurationError */
export const loadAgentConfiguration = (env: NodeJS.ProcessEnv): AgentConfiguration => load(AgentConfiguration, env);

/** The same for `ops`. @throws ConfigurationError */
export const loadOpsConfiguration = (env: NodeJS.ProcessEnv): OpsConfiguration => load(OpsConfiguration, env);
