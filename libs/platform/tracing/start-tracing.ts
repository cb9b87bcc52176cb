import type { TracingConfiguration } from '../config/tracing-configuration.js';
import type { Logger } from '../logger/logger.js';
import type { ThisProcess, Tracing } from './tracing.js';

const TRACES_PATH = 'v1/traces';
const DEFAULT_ENDPOINT = 'http://localhost:4318';

/** Starts tracing if the configuration asks for it; OpenTelemetry's SDK is not even loaded otherwise. */
export async function startTracing(
  configuration: TracingConfiguration,
  process: ThisProcess,
  log: Pick<Logger, 'info' | 'warn'>,
): Promise<Tracing | undefined> {
  const url = endpointOf(configuration);
  if (url === undefined) return undefined;
  const { OtelTracing } = await import('./otel-tracing.js');
  log.info({ url, sampler: configuration.tracesSampler }, 'sending spans');
  return new OtelTracing(configuration, url, process, log);
}

/** Where spans go; undefined: tracing is off. */
function endpointOf({
  tracesDisabled,
  tracesExporter,
  otlpEndpoint,
  otlpTracesEndpoint,
}: TracingConfiguration): string | undefined {
  if (tracesDisabled || tracesExporter === 'none') return undefined;
  if (otlpTracesEndpoint !== undefined) return otlpTracesEndpoint;
  const base = otlpEndpoint ?? (tracesExporter === 'otlp' ? DEFAULT_ENDPOINT : undefined);
  return base && `${base.replace(/\/$/, '')}/${TRACES_PATH}`;
}
