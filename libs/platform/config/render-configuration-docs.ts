import { ownProperty } from '@app/kernel';
import { AgentConfiguration } from './agent-configuration.js';
import { Configuration } from './configuration.js';
import { OpsConfiguration } from './ops-configuration.js';
import type { Setting } from './setting.js';
import { secretFile, settingsOf } from './setting.js';
import { TracingConfiguration } from './tracing-configuration.js';

const defaultOf = (defaults: object, { property, whenUnset }: Setting): string =>
  whenUnset ?? `\`${String(ownProperty(defaults as Record<string, unknown>, property))}\``;

function table(schema: new () => object, besides: readonly Setting[] = []): string[] {
  const defaults = new schema();
  const isShown = ({ name }: Setting): boolean => besides.every((other) => other.name !== name);
  return [
    '| Variable | When unset | Values | Meaning |',
    '| --- | --- | --- | --- |',
    ...settingsOf(schema)
      .filter(isShown)
      .map(
        (setting) =>
          `| \`${setting.name}\`${secretFile(setting) === undefined ? '' : ' (`_FILE`)'} | ${defaultOf(defaults, setting)} | ${setting.values} | ${setting.description} |`,
      ),
    '',
  ];
}

/**
 * docs/configuration.md, from the schemas.
 * @public used by scripts/docs.mjs
 */
export const renderConfigurationDocs = (): string =>
  [
    '# Configuration',
    '',
    '<!-- Generated from libs/platform/config/*-configuration.ts by `npm run docs`. -->',
    '',
    'Everything is configured by environment variables, read once at start. An empty variable counts as unset. A name that begins with `ROLLBOOK_` and is',
    'in none of these tables, or a value that does not fit, ends the start with a sentence for each mistake and exit code 2. Settings of another kind of',
    'process are passed over, so that one environment may serve all. Where `_FILE` stands behind a name, `NAME_FILE` names a file with the value instead;',
    'a line break at its end does not count.',
    '',
    '## Servers',
    '',
    ...table(Configuration, settingsOf(TracingConfiguration)),
    '### Traces',
    '',
    'The variables of [OpenTelemetry](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Servers send spans if an endpoint, or',
    '`OTEL_TRACES_EXPORTER=otlp`, is set; otherwise nothing of it is even loaded. [What is in a trace](operations.md#traces).',
    '',
    ...table(TracingConfiguration),
    '## Node agents',
    '',
    'For our own agents (`apps/agent`); Nomad’s client agents have [their own configuration](client-agents.md).',
    '',
    ...table(AgentConfiguration),
    '## `ops`',
    '',
    'All settings of the servers, whose database and Kafka it works on, and:',
    '',
    ...table(OpsConfiguration, settingsOf(Configuration)),
  ].join('\n');
