import { Controller, Get, Req, Res } from '@nestjs/common';
import type { EventStore } from '@app/event-store';
import type { Index } from '@app/kernel';
import { EventFeed, LogTail, type EventFilter } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf, type Access } from '../acl/access.js';
import { queryOf } from '../edge/exchange.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { NomadError, param } from '../http/index.js';
import { Outlet } from './outlet.js';
import { Subscription, type Right } from './subscription.js';
import { subscriptionRequest, type SubscriptionRequest } from './subscription-request.js';

/** What event streams are made of; one for a server. */
export class EventStreams {
  readonly feed: EventFeed;

  constructor(
    readonly store: Pick<EventStore, 'readAfter' | 'readBeginnings' | 'load' | 'readHead'>,
    readonly tail: LogTail,
    readonly onFault: (error: unknown, id: string) => void,
  ) {
    this.feed = new EventFeed(store, tail, (error) => onFault(error, 'event stream'));
  }

  /** The first index that the log still has; 1 if it has none. */
  async oldest(): Promise<Index> {
    return (await this.store.readAfter(0, 1))[0]?.index ?? 1;
  }
}

/** Nomad: /v1/event/stream; spec/http-api §4.7. Unlike there, any index of the past may be asked for. */
@Controller('v1/event')
export class EventStreamController {
  constructor(
    private readonly streams: EventStreams,
    private readonly server: ServerIdentity,
  ) {}

  @Get('stream')
  async stream(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const asked = subscriptionRequest(request);
    const region = param(queryOf(request), 'region');
    if (region !== '' && region !== this.server.region) throw new NomadError('No path to region');
    const access = accessOf(request);
    const filter = filterOf(asked, access);
    const { store, tail } = this.streams;
    const [{ storeEpoch }, oldest] = await Promise.all([store.readHead(), this.streams.oldest(), tail.readIndex()]);
    const from = asked.from === undefined ? tail.applied + 1 : asked.from || oldest;
    if (from < oldest) throw new NomadError(`index ${from} is gone: the log begins at ${oldest}`, 410);
    const outlet = begin(reply, asked, storeEpoch);
    // As Nomad does it: the subscription begins, and ends at once.
    if (filter === undefined) return outlet.end();
    const right = new AccessRight(access, asked);
    try {
      await new Subscription(outlet, this.streams.feed, tail, asked, right, filter).run(from);
    } catch (error) {
      this.streams.onFault(error, request.id);
    } finally {
      right.end();
    }
  }
}

function begin(reply: FastifyReply, { asSse, gzip }: SubscriptionRequest, storeEpoch: string): Outlet {
  const { raw } = reply;
  const given = reply.getHeaders();
  reply.hijack();
  // Ends with its connection, as Nomad's does: no chunks.
  raw.useChunkedEncodingByDefault = false;
  raw.sendDate = false;
  raw.writeHead(200, {
    ...(given as Record<string, string>),
    'Content-Type': asSse ? 'text/event-stream' : 'application/json',
    'Cache-Control': 'no-cache',
    Connection: 'close',
    'X-Rollbook-Epoch': storeEpoch,
    ...(gzip ? { 'Content-Encoding': 'gzip' } : {}),
  });
  raw.flushHeaders();
  raw.socket?.setNoDelay(true);
  return new Outlet(raw, gzip);
}

/** What the request may follow of what it asks for; undefined: it may not follow all of it, so nothing. */
function filterOf(asked: SubscriptionRequest, access: Access): EventFilter | undefined {
  const { topics, namespace, asStub, withMeta, asSse } = asked;
  if (![...topics.keys()].every((topic) => access.follows(topic, namespace))) return undefined;
  const wanted = [...topics.keys()].sort().map((topic) => [topic, [...topics.get(topic)!].sort()]);
  const who = namespace === '*' ? access.permissions.key : '';
  return {
    topics,
    namespace,
    asStub,
    withMeta,
    asSse,
    sees: (topic, where) => access.follows(topic, where),
    key: JSON.stringify([wanted, namespace, asStub, withMeta, asSse, who]),
  };
}

/** The right of a request: looked at again when anything about ACLs was written, and when its token runs out. */
class AccessRight implements Right {
  private stale = false;
  private readonly listeners = new Set<() => void>();
  private stopWatching: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private access: Access,
    private readonly asked: SubscriptionRequest,
  ) {
    this.watch();
  }

  get isStale(): boolean {
    return this.stale;
  }

  async renew(): Promise<EventFilter | undefined> {
    this.stale = false;
    this.end();
    this.watch();
    this.access = await this.access.renewed();
    return filterOf(this.asked, this.access);
  }

  onStale(wake: () => void): () => void {
    this.listeners.add(wake);
    return () => this.listeners.delete(wake);
  }

  end(): void {
    this.stopWatching?.();
    clearTimeout(this.timer);
  }

  private watch(): void {
    if (!this.access.isEnforced) return;
    const goStale = (): void => {
      this.stale = true;
      for (const wake of [...this.listeners]) wake();
    };
    this.stopWatching = this.access.watch(goStale);
    const left = this.access.leftMs();
    if (left <= MAX_TIMER_MS) this.timer = setTimeout(goStale, left);
  }
}

/** The most that a timer takes; a token that lives longer is looked at again anyway, with the next write about ACLs. */
const MAX_TIMER_MS = 2 ** 31 - 1;
