import { Configuration } from './configuration.js';
import type { Setting } from './setting.js';
import { settingsOf } from './setting.js';

const defaultOf = (defaults: Configuration, { property, whenUnset }: Setting): string =>
  whenUnset ?? `\`${String(defaults[property as keyof Configuration])}\``;

/**
 * docs/configuration.md, from the schema.
 * @public used by scripts/docs.mjs
 */
export function renderConfigurationDocs(): string {
  const defaults = new Configuration();
  const rows = settingsOf(Configuration).map(
    (setting) =>
      `| \`${setting.name}\` | ${defaultOf(defaults, setting)} | ${setting.values} | ${setting.description} |`,
  );
  return [
    '# Configuration',
    '',
    '<!-- Generated from libs/platform/config/configuration.ts by `npm run docs`. -->',
    '',
    'Everything is configured by environment variables, read once at start. An empty variable counts as unset. A name that begins with `ROLLBOOK_` and is',
    'not in this table, or a value that does not fit, ends the start with a sentence for each mistake and exit code 2.',
    '',
    '| Variable | When unset | Values | Meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
