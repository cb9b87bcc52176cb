import type { Duplex } from 'node:stream';
import { KEEP_ALIVE_MS, MAX_STREAMS, MAX_UNSENT_BYTES, PING_TIMEOUT_MS, WRITE_TIMEOUT_MS } from '../limits.js';
import {
  ACK,
  DATA,
  FIN,
  GO_AWAY,
  header,
  HEADER_BYTES,
  NORMAL,
  PING,
  PROTOCOL_ERROR,
  RST,
  SYN,
  VERSION,
  WINDOW_UPDATE,
} from './frame.js';
import { YamuxStream, type Wire } from './stream.js';

const LAST_STREAM_ID = 0xffff_ffff - 2;

export interface SessionOptions {
  /** Who dialled opens streams with odd ids, who accepted with even ones. */
  readonly role: 'dialler' | 'acceptor';
  /** A stream that the peer opened. */
  readonly onStream: (stream: YamuxStream) => void;
  /** Once, when the session is over; with the reason if it did not end by itself. */
  readonly onClose: (error: Error | undefined) => void;
}

/**
 * A yamux session over one connection, as Go's side has it (spec/rpc §3): many streams, each with a window of its own, kept alive by
 * pings. Whatever the peer does wrong ends this session and no other; what it does not read is bounded.
 */
export class YamuxSession {
  private readonly streams = new Map<number, YamuxStream>();
  private nextId: number;
  private inbound = 0;
  private closed = false;
  private mayOpen = true;

  /** The frame that is being received: its header as far as it came, then what is left of its body. */
  private readonly head = Buffer.alloc(HEADER_BYTES);
  private headBytes = 0;
  private bodyLeft = 0;
  private bodyFlags = 0;
  private bodyStream: YamuxStream | undefined;

  private pingId = 0;
  private readonly pingTimer: NodeJS.Timeout;
  private pongTimer: NodeJS.Timeout | undefined;
  private writeTimer: NodeJS.Timeout | undefined;
  private readonly onDrain: (() => void)[] = [];

  private readonly wire: Wire = {
    data: (id, body, sent) => {
      if (this.closed) return sent(new Error('session shutdown'));
      this.send(header(DATA, 0, id, body.length), body);
      if (this.socket.writableNeedDrain) this.onDrain.push(() => sent());
      else sent();
    },
    credit: (id, bytes) => this.send(header(WINDOW_UPDATE, 0, id, bytes)),
    finish: (id) => this.send(header(WINDOW_UPDATE, FIN, id, 0)),
    reset: (id) => this.send(header(WINDOW_UPDATE, RST, id, 0)),
    forget: (id) => {
      if (this.streams.delete(id) && this.isInbound(id)) this.inbound--;
    },
  };

  constructor(
    private readonly socket: Duplex,
    private readonly options: SessionOptions,
  ) {
    this.nextId = options.role === 'dialler' ? 1 : 2;
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    // Who read the first byte has paused it.
    socket.resume();
    socket.on('drain', () => this.drained());
    socket.once('error', (error) => this.end(error));
    socket.once('end', () => this.end(undefined));
    socket.once('close', () => this.end(undefined));
    this.pingTimer = setInterval(() => this.ping(), KEEP_ALIVE_MS).unref();
  }

  get isClosed(): boolean {
    return this.closed;
  }

  get streamCount(): number {
    return this.streams.size;
  }

  /** Opens a stream. @throws Error `session shutdown` when there is no session any more */
  open(): YamuxStream {
    if (this.closed || !this.mayOpen || this.nextId > LAST_STREAM_ID) throw new Error('session shutdown');
    const id = this.nextId;
    this.nextId += 2;
    const stream = this.add(id);
    this.send(header(WINDOW_UPDATE, SYN, id, 0));
    return stream;
  }

  /** Ends the session and all its streams. */
  close(): void {
    if (!this.closed) this.send(header(GO_AWAY, 0, 0, NORMAL));
    this.end(undefined);
  }

  private add(id: number): YamuxStream {
    const stream = new YamuxStream(id, this.wire);
    // A stream that breaks off is the business of who uses it; without a listener the process would end.
    stream.on('error', () => undefined);
    this.streams.set(id, stream);
    return stream;
  }

  private isInbound(id: number): boolean {
    return (id % 2 === 1) === (this.options.role === 'acceptor');
  }

  private receive(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.closed) {
      if (this.bodyLeft > 0) {
        const taken = Math.min(this.bodyLeft, chunk.length - at);
        this.bodyLeft -= taken;
        if (this.bodyStream !== undefined && !this.bodyStream.receive(chunk.subarray(at, at + taken)))
          return this.protocolError('recv window exceeded');
        at += taken;
        if (this.bodyLeft === 0) this.afterBody();
        continue;
      }
      const taken = Math.min(HEADER_BYTES - this.headBytes, chunk.length - at);
      chunk.copy(this.head, this.headBytes, at, at + taken);
      this.headBytes += taken;
      at += taken;
      if (this.headBytes === HEADER_BYTES) {
        this.headBytes = 0;
        this.frame();
      }
    }
  }

  private frame(): void {
    if (this.head[0] !== VERSION) return this.protocolError(`version ${this.head[0]}`);
    const flags = this.head.readUInt16BE(2);
    const id = this.head.readUInt32BE(4);
    const length = this.head.readUInt32BE(8);
    const type = this.head[1]!;
    if (type === DATA || type === WINDOW_UPDATE) return this.streamFrame(type, flags, id, length);
    if (type === PING) return this.pingFrame(flags, length);
    if (type !== GO_AWAY) return this.protocolError(`frame type ${type}`);
    this.mayOpen = false;
    if (length !== NORMAL) this.end(new Error(`the peer ended the session with code ${length}`));
  }

  private streamFrame(type: number, flags: number, id: number, length: number): void {
    if ((flags & SYN) !== 0 && !this.accept(id)) return;
    const stream = this.streams.get(id);
    if (type === WINDOW_UPDATE) {
      stream?.grant(length);
      this.ended(stream, flags);
      return;
    }
    this.bodyStream = stream;
    this.bodyFlags = flags;
    this.bodyLeft = length;
    if (length === 0) this.afterBody();
  }

  private afterBody(): void {
    this.ended(this.bodyStream, this.bodyFlags);
    this.bodyStream = undefined;
  }

  private ended(stream: YamuxStream | undefined, flags: number): void {
    if ((flags & RST) !== 0) stream?.breakOff(new Error('connection reset'));
    else if ((flags & FIN) !== 0) stream?.receiveEnd();
  }

  private accept(id: number): boolean {
    if (!this.isInbound(id) || id === 0 || this.streams.has(id)) {
      this.protocolError(`stream ${id} cannot be opened`);
      return false;
    }
    if (this.inbound >= MAX_STREAMS) {
      this.send(header(WINDOW_UPDATE, RST, id, 0));
      return true;
    }
    this.inbound++;
    const stream = this.add(id);
    // At once: a peer whose stream is not acknowledged within 75 s ends the session, and a blocking query lasts longer.
    this.send(header(WINDOW_UPDATE, ACK, id, 0));
    this.options.onStream(stream);
    return true;
  }

  private pingFrame(flags: number, opaque: number): void {
    if ((flags & SYN) !== 0) this.send(header(PING, ACK, 0, opaque));
    else if (opaque === this.pingId - 1) {
      clearTimeout(this.pongTimer);
      this.pongTimer = undefined;
    }
  }

  private ping(): void {
    if (this.pongTimer !== undefined) return;
    this.send(header(PING, SYN, 0, this.pingId++));
    this.pongTimer = setTimeout(() => this.end(new Error('keepalive timeout')), PING_TIMEOUT_MS).unref();
  }

  private send(head: Buffer, body?: Buffer): void {
    if (this.closed) return;
    if (body === undefined) this.socket.write(head);
    else {
      this.socket.cork();
      this.socket.write(head);
      this.socket.write(body);
      this.socket.uncork();
    }
    if (this.socket.writableLength > MAX_UNSENT_BYTES) return this.end(new Error('the peer does not read'));
    if (this.socket.writableNeedDrain)
      this.writeTimer ??= setTimeout(() => this.end(new Error('connection write timeout')), WRITE_TIMEOUT_MS).unref();
  }

  private drained(): void {
    clearTimeout(this.writeTimer);
    this.writeTimer = undefined;
    for (const resume of this.onDrain.splice(0)) resume();
  }

  private protocolError(detail: string): void {
    this.send(header(GO_AWAY, 0, 0, PROTOCOL_ERROR));
    this.end(new Error(`yamux: ${detail}`));
  }

  private end(error: Error | undefined): void {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.pingTimer);
    clearTimeout(this.pongTimer);
    clearTimeout(this.writeTimer);
    for (const stream of [...this.streams.values()]) stream.breakOff(new Error('session shutdown', { cause: error }));
    for (const resume of this.onDrain.splice(0)) resume();
    this.socket.on('error', () => undefined);
    if (error === undefined) this.socket.end(() => this.socket.destroy());
    else this.socket.destroy();
    this.options.onClose(error);
  }
}
