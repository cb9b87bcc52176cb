import type { FastifyInstance, FastifyRequest } from 'fastify';
import { errorCodes } from 'fastify';
import { Busy } from '../edge/busy.js';
import { NomadError } from '../http/index.js';
import { BODIES_IN_FLIGHT_BYTES, SMALL_BODY_BYTES } from '../limits.js';

const RETRY_SECONDS = 1;

/** The bodies of requests that are not answered yet, in bytes. One body's bytes are held from their arrival until its answer is out or its connection is gone. */
export class BodiesInFlight {
  #bytes = 0;
  #refused = 0;

  constructor(
    readonly limit = BODIES_IN_FLIGHT_BYTES,
    readonly small = SMALL_BODY_BYTES,
  ) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** Bodies that were refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Of a new request. */
  open(): BodyShare {
    let held = 0;
    let isOpen = true;
    const fits = (bytes: number): boolean => {
      if (held + bytes <= this.small || this.#bytes + bytes <= this.limit) return true;
      this.#refused++;
      return false;
    };
    return {
      fits,
      take: (bytes) => {
        if (!isOpen || !fits(bytes)) return false;
        held += bytes;
        this.#bytes += bytes;
        return true;
      },
      giveBack: () => {
        isOpen = false;
        this.#bytes -= held;
        held = 0;
      },
    };
  }
}

/** What one request holds. */
interface BodyShare {
  /** Whether so many bytes more would be taken. */
  fits(bytes: number): boolean;
  /** False: they are too many, or the request is over. */
  take(bytes: number): boolean;
  /** All of it; once is enough. */
  giveBack(): void;
}

/** Hands bodies to handlers as raw bytes, whatever they claim to be, and refuses those that are too large, or too many at once. Call before routes are made. */
export function readBodies(fastify: FastifyInstance, bodies: BodiesInFlight, bodyLimit: number): void {
  const shares = new WeakMap<FastifyRequest, BodyShare>();
  fastify.addHook('preParsing', (request, reply, payload, done) => {
    const { headers } = request;
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined)
      return done(null, payload);
    const share = bodies.open();
    shares.set(request, share);
    reply.raw.once('close', share.giveBack);
    done(null, payload);
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (request, payload, done) => {
    const share = shares.get(request) ?? bodies.open();
    const declared = Number(request.headers['content-length'] ?? 0);
    // One buffer that grows, at most twice what came: a list of chunks takes a hundred times that where each is a byte.
    let whole = Buffer.alloc(0);
    let received = 0;
    const end = (error: Error | null, body?: Buffer): void => {
      payload.off('data', onData).off('end', onEnd).off('error', onError);
      // Its connection may fail while it is being refused.
      payload.on('error', () => undefined);
      if (error !== null) share.giveBack();
      done(error, body);
    };
    const onData = (chunk: Buffer): void => {
      const before = received;
      received += chunk.length;
      if (received > bodyLimit) return end(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
      if (!share.take(chunk.length)) return end(tooMany());
      if (received > whole.length) {
        const larger = Buffer.allocUnsafe(Math.max(received, Math.min(2 * whole.length, bodyLimit)));
        whole.copy(larger, 0, 0, before);
        whole = larger;
      }
      chunk.copy(whole, before);
    };
    const onEnd = (): void => end(null, whole.subarray(0, received));
    const onError = (): void => end(new NomadError('the request ended before its body did', 400));
    payload.on('data', onData).on('end', onEnd).on('error', onError);
    if (declared > bodyLimit) return end(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    if (!share.fits(declared)) return end(tooMany());
  });
}

const tooMany = (): Busy => new Busy('too many large request bodies at once; try again', RETRY_SECONDS);
