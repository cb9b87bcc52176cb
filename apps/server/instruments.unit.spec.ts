import { createMetrics } from '@app/platform';
import { gauge, instrument } from './instruments.js';

test('a gauge without a value has no sample, also when it had one before', async () => {
  const metrics = createMetrics();
  let lag: number | undefined = 7;
  gauge(metrics, 'lag', 'Lag.', () => lag);
  expect(await metrics.render()).toContain('\nlag 7\n');
  lag = undefined;
  expect(await metrics.render()).not.toMatch(/^lag /m);
});

test('all leases are one metric, with the epoch of the moment', async () => {
  const metrics = createMetrics();
  const { watchLease } = instrument(metrics);
  let epoch = 0;
  watchLease('scheduler', () => epoch);
  watchLease('relay', () => 2);
  epoch = 3;
  const text = await metrics.render();
  expect(text).toContain('rollbook_lease_epoch{lease="scheduler"} 3\n');
  expect(text).toContain('rollbook_lease_epoch{lease="relay"} 2\n');
});
