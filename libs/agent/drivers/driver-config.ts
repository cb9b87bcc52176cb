import type { JsonObject } from '@app/kernel';
import { StartError } from './driver.js';

/** The configuration of a task is not one of its driver. Nomad tells it as a failed validation. */
export class ConfigError extends StartError {}

/**
 * Refuses options that a driver does not know, so that a misspelt one is not passed over in silence.
 * @throws ConfigError which names them, in Nomad's words.
 */
export function refuseUnknownOptions(config: JsonObject, known: ReadonlySet<string>): void {
  const unknown = Object.keys(config).filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  const items = [
    'failed to parse config: ',
    ...unknown.map((name) => `Invalid label: No argument or block type is named ${JSON.stringify(name)}.`),
  ];
  throw new ConfigError(`${items.length} errors occurred:\n\t${items.map((item) => `* ${item}`).join('\n\t')}\n\n`);
}
