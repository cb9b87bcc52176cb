import { Counter, createMetrics } from './metrics.js';

test('metrics are rendered in the text format of Prometheus, with those of the process', async () => {
  const metrics = createMetrics();
  new Counter({ name: 'rollbook_commits_total', help: 'Commits.', registers: [metrics.registry] }).inc(3);
  const text = await metrics.render();
  expect(text).toContain('# TYPE rollbook_commits_total counter\nrollbook_commits_total 3');
  expect(text).toContain('process_resident_memory_bytes');
  expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/);
});

test('two registries do not share metrics', async () => {
  const metrics = createMetrics();
  new Counter({ name: 'only_here', help: '-', registers: [metrics.registry] }).inc();
  expect(await createMetrics().render()).not.toContain('only_here');
});
