import type { Attributes } from '@opentelemetry/api';

export type SpanAttributes = Attributes;

/** Headers of a request, as Node has them. */
export type Carrier = Readonly<Record<string, string | string[] | undefined>>;

/** A span that goes on. */
export interface OpenSpan {
  /** The span as a `traceparent` of W3C Trace Context: what is to be a part of it is given this. */
  readonly traceparent: string;
  end(attributes: SpanAttributes, isError?: boolean): void;
}

/** A span that is over. Times in milliseconds of the monotonic clock (`performance.now`). */
export interface PastSpan {
  readonly name: string;
  readonly kind: 'internal' | 'producer';
  /** The `traceparent` that it is a part of. One that cannot be read makes no span. */
  readonly parent: string;
  readonly begunMs: number;
  readonly endedMs: number;
  readonly attributes: SpanAttributes;
}

/** Spans of this process, sent to a collector. */
export interface Tracing {
  /** Begins the span of a request: a part of the trace that its headers name, if they do. */
  begin(name: string, carrier: Carrier, attributes: SpanAttributes): OpenSpan;
  /** Notes a span that is over. @returns its `traceparent` */
  note(span: PastSpan): string | undefined;
  /** Sends what is left, within a bound. */
  close(): Promise<void>;
}

/** What the spans of a process say of it. */
export interface ThisProcess {
  readonly instance: string;
  readonly version: string;
}
