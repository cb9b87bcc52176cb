import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS } from '@app/platform';
import { repository } from '../support/server-process.js';

const deploy = (file: string): string => readFileSync(join(repository(), 'deploy', file), 'utf8');

/** `_bucket`, `_sum` and `_count` are the parts of a histogram. */
const isKnown = (name: string): boolean =>
  Object.hasOwn(METRICS, name.replace(/_(bucket|sum|count)$/, '')) || Object.hasOwn(METRICS, name);

test('The dashboard and the alert rules name only metrics that there are', () => {
  const expressions = [
    ...JSON.stringify(JSON.parse(deploy('grafana/dashboards/rollbook.json'))).matchAll(/"expr":"((?:[^"\\]|\\.)*)"/g),
  ].map(([, text]) => text!);
  expect(expressions.length).toBeGreaterThan(10);
  const named = [...expressions, deploy('alerts.yml')].join('\n').match(/\brollbook_\w+/g) ?? [];
  expect(new Set(named).size).toBeGreaterThan(15);
  expect([...new Set(named)].filter((name) => !isKnown(name))).toEqual([]);
});
