import { createMetrics } from '@app/platform';
import { instrument } from './instruments.js';

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
