import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS } from './catalogue.js';
import { counterOf, createMetrics, currentValue, histogramOf } from './metrics.js';

test('metrics are rendered in the text format of Prometheus, with those of the process', async () => {
  const metrics = createMetrics();
  counterOf(metrics, 'rollbook_commands_overloaded_total').inc(3);
  histogramOf(metrics, 'rollbook_rpc_call_seconds').observe({ method: 'Node.Register', outcome: 'ok' }, 0.003);
  const text = await metrics.render();
  expect(text).toContain('# TYPE rollbook_commands_overloaded_total counter\nrollbook_commands_overloaded_total 3');
  expect(text).toContain('rollbook_rpc_call_seconds_bucket{le="0.005",method="Node.Register",outcome="ok"} 1');
  expect(text).toContain('process_resident_memory_bytes');
  expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
});

test('two registries do not share metrics', async () => {
  counterOf(createMetrics(), 'rollbook_relay_errors_total').inc();
  expect(await createMetrics().render()).not.toContain('rollbook_relay_errors_total');
});

test('a gauge without a value has no sample, also when it had one before', async () => {
  const metrics = createMetrics();
  let lag: number | undefined = 7;
  currentValue(metrics, 'rollbook_relay_lag_seconds', () => lag);
  expect(await metrics.render()).toContain('\nrollbook_relay_lag_seconds 7\n');
  lag = undefined;
  expect(await metrics.render()).not.toMatch(/^rollbook_relay_lag_seconds /m);
});

test('counters end in _total, durations in _seconds', () => {
  for (const [name, { kind }] of Object.entries(METRICS)) {
    expect(`${kind} ${name}`).toMatch(/^counter .*_total$|^gauge (?!.*_total$)|^histogram .*_(seconds|commands)$/);
  }
});

test('each is shown by something', () => {
  const root = join(__dirname, '../../..');
  const files = globSync('{apps,libs}/**/*.ts', {
    cwd: root,
    exclude: ['**/*.spec.ts', 'libs/platform/metrics/catalogue.ts'],
  });
  const code = files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
  expect(Object.keys(METRICS).filter((name) => !code.includes(`'${name}'`))).toEqual([]);
});
