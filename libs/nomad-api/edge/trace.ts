import type { FastifyRequest } from 'fastify';

const SPANS = new WeakMap<FastifyRequest, string>();

/** Notes the span of a request, as a `traceparent` of W3C Trace Context: events that come of the request will name it. */
export const noteSpan = (request: FastifyRequest, traceparent: string): void => void SPANS.set(request, traceparent);

/** The span of a request; undefined where requests are not traced. */
export const spanOf = (request: FastifyRequest): string | undefined => SPANS.get(request);
