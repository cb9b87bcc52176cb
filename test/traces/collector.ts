import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: OtlpValue }[];
}

interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: OtlpSpan['attributes'] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** A span as it came, with the service that sent it. */
export interface ReceivedSpan extends Omit<OtlpSpan, 'attributes'> {
  readonly service: string;
  readonly attributes: ReadonlyMap<string, string>;
}

/** As much of an OpenTelemetry collector as tests need: OTLP over HTTP, as JSON. */
export interface Collector {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Headers of the requests that came. */
  readonly keys: ReadonlySet<string | undefined>;
  close(): Promise<void>;
}

const named = (attributes: OtlpSpan['attributes']): ReadonlyMap<string, string> =>
  new Map(attributes.map(({ key, value }) => [key, String(value.stringValue ?? value.intValue)]));

export async function startCollector(): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const keys = new Set<string | undefined>();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    keys.add(request.headers['x-key'] as string | undefined);
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as OtlpTraces;
      for (const { resource, scopeSpans } of body.resourceSpans)
        for (const span of scopeSpans.flatMap((scope) => scope.spans))
          spans.push({
            ...span,
            service: named(resource.attributes).get('service.name') ?? '',
            attributes: named(span.attributes),
          });
      response.writeHead(request.url === '/v1/traces' ? 200 : 404, { 'Content-Type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    keys,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
