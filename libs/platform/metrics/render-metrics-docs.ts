import { METRICS, type MetricDescription } from './catalogue.js';

const SHOWN_BY = {
  leader: 'the one that leads',
  publisher: 'the one that publishes',
  deliverer: 'the one that delivers',
  'reader of a replica': 'those with a replica',
} as const;

/**
 * docs/metrics.md, from the catalogue.
 * @public used by scripts/docs.mjs
 */
export function renderMetricsDocs(): string {
  const rows = Object.entries<MetricDescription>(METRICS).map(
    ([name, { kind, help, labels = [], shownBy }]) =>
      `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${shownBy ? SHOWN_BY[shownBy] : 'every server'} | ${help} |`,
  );
  return [
    '# Metrics',
    '',
    '<!-- Generated from libs/platform/metrics/catalogue.ts by `npm run docs`. -->',
    '',
    'At `/metrics` of each server, in Prometheus’ text format, beside the usual ones of the process and of Node (`process_…`, `nodejs_…`). What one server',
    'shows for all has no sample elsewhere, so that sums are right. Alert rules: [`deploy/alerts.yml`](../deploy/alerts.yml).',
    '',
    '| Metric | Kind | Labels | Shown by | What |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
