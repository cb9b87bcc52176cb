import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { METRICS, type MetricDescription, type MetricName } from './catalogue.js';

export type { Counter, Gauge, Histogram } from 'prom-client';

/** The process's metrics. */
export interface Metrics {
  readonly registry: Registry;
  /** `Content-Type` of {@link Metrics.render}. */
  readonly contentType: string;
  /** Prometheus' text format. */
  readonly render: () => Promise<string>;
}

/** A registry of its own with the usual process and Node metrics (memory, CPU, event loop lag, GC). */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return { registry, contentType: registry.contentType, render: () => registry.metrics() };
}

function settings<N extends keyof typeof METRICS>({ registry }: Metrics, name: N) {
  const { help, labels = [], buckets }: MetricDescription = METRICS[name];
  return { name, help, labelNames: [...labels], registers: [registry], ...(buckets && { buckets: [...buckets] }) };
}

/** A metric of the catalogue. Each may be made once for a registry. */
export const counterOf = (metrics: Metrics, name: MetricName<'counter'>): Counter =>
  new Counter(settings(metrics, name));
export const histogramOf = (metrics: Metrics, name: MetricName<'histogram'>): Histogram =>
  new Histogram(settings(metrics, name));
/** With `collect` it is set anew whenever it is read. */
export const gaugeOf = (metrics: Metrics, name: MetricName<'gauge'>, collect?: (gauge: Gauge) => void): Gauge =>
  new Gauge({
    ...settings(metrics, name),
    ...(collect && {
      collect() {
        collect(this);
      },
    }),
  });

/** Shows a number as it is at the moment; while it is undefined the metric has no sample, since 0 would say something else. */
export const currentValue = (metrics: Metrics, name: MetricName<'gauge'>, value: () => number | undefined): Gauge =>
  gaugeOf(metrics, name, (gauge) => {
    const now = value();
    if (now === undefined) gauge.remove();
    else gauge.set(now);
  });

/** Shows a count that is kept elsewhere. */
export const currentCount = (metrics: Metrics, name: MetricName<'counter'>, count: () => number): Counter =>
  new Counter({
    ...settings(metrics, name),
    collect() {
      this.reset();
      this.inc(count());
    },
  });
