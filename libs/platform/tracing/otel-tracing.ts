import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { parseKeyPairsIntoRecord, setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, resourceAttributesEnvDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { TracingConfiguration } from '../config/tracing-configuration.js';
import type { Logger } from '../logger/logger.js';
import type { Carrier, OpenSpan, PastSpan, SpanAttributes, ThisProcess, Tracing } from './tracing.js';

/** Most milliseconds that the last spans may take at shutdown. */
const FLUSH_BOUND_MS = 2_000;
/** A collector that is away is told of this often. */
const COMPLAINT_MS = 60_000;

/** Traces by OpenTelemetry's SDK. Import it when traces are wanted, not before: it is large. */
export class OtelTracing implements Tracing {
  private readonly propagator = new W3CTraceContextPropagator();
  private readonly provider: TracerProvider;
  private readonly tracer: Tracer;

  constructor(
    configuration: TracingConfiguration,
    url: string,
    { instance, version }: ThisProcess,
    log: Pick<Logger, 'warn'>,
  ) {
    complainTo(log, url);
    const Exporter = configuration.otlpProtocol === 'http/json' ? JsonExporter : ProtobufExporter;
    const exporter = new Exporter({ url, headers: parseKeyPairsIntoRecord(configuration.otlpHeaders) });
    const own = resourceFromAttributes({
      'service.name': configuration.serviceName,
      'service.version': version,
      'service.instance.id': instance,
    });
    this.provider = new TracerProvider({
      sampler: samplerOf(configuration),
      resource: detectResources({ detectors: [resourceAttributesEnvDetector] }).merge(own),
      spanProcessors: [
        new BatchSpanProcessor({
          exporter,
          scheduledDelayMillis: configuration.spanDelayMs,
          maxQueueSize: configuration.spanQueue,
        }),
      ],
    });
    this.tracer = this.provider.getTracer('rollbook', version);
  }

  begin(name: string, carrier: Carrier, attributes: SpanAttributes): OpenSpan {
    const span = this.tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, this.contextOf(carrier));
    return {
      traceparent: traceparentOf(span),
      end(last, isError = false) {
        span.setAttributes(last);
        if (isError) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }

  note({ name, kind, parent, begunMs, endedMs, attributes }: PastSpan): string | undefined {
    const context = this.contextOf({ traceparent: parent });
    if (trace.getSpanContext(context) === undefined) return undefined;
    const span = this.tracer.startSpan(
      name,
      {
        kind: kind === 'producer' ? SpanKind.PRODUCER : SpanKind.INTERNAL,
        attributes,
        startTime: onTheWall(begunMs),
      },
      context,
    );
    span.end(onTheWall(endedMs));
    return traceparentOf(span);
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_BOUND_MS);
    });
    await Promise.race([this.provider.shutdown().catch(() => undefined), late]);
    clearTimeout(timer);
  }

  private contextOf(carrier: Carrier): Context {
    return this.propagator.extract(ROOT_CONTEXT, carrier, { get: headerOf, keys: () => [] });
  }
}

/** Of headers from outside only the two that are asked for by name. */
function headerOf(carrier: Carrier, name: string): string | undefined {
  const value =
    name === 'traceparent' ? carrier['traceparent'] : name === 'tracestate' ? carrier['tracestate'] : undefined;
  return Array.isArray(value) ? undefined : value;
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${(traceFlags & 1).toString(16).padStart(2, '0')}`;
}

const onTheWall = (monotonicMs: number): number => performance.timeOrigin + monotonicMs;

function samplerOf({ tracesSampler, tracesSamplerRatio }: TracingConfiguration): Sampler {
  const root = tracesSampler.endsWith('always_on')
    ? new AlwaysOnSampler()
    : tracesSampler.endsWith('always_off')
      ? new AlwaysOffSampler()
      : new TraceIdRatioBasedSampler(tracesSamplerRatio);
  return tracesSampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

function complainTo(log: Pick<Logger, 'warn'>, url: string): void {
  let complainedAt = -COMPLAINT_MS;
  setGlobalErrorHandler((err) => {
    if (performance.now() - complainedAt < COMPLAINT_MS) return;
    complainedAt = performance.now();
    log.warn({ err, url }, 'spans cannot be sent; those of meanwhile are lost');
  });
}
