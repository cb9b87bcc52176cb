import { Duplex } from 'node:stream';
import { HALF_CLOSED_MS, MAX_FRAME_BYTES, WINDOW_BYTES } from '../limits.js';

/** What a stream asks of its session. */
export interface Wire {
  data(streamId: number, body: Buffer, sent: (error?: Error | null) => void): void;
  credit(streamId: number, bytes: number): void;
  finish(streamId: number): void;
  reset(streamId: number): void;
  /** Both sides have ended, or one has reset: the id is forgotten. */
  forget(streamId: number): void;
}

/**
 * One stream of a session: an ordinary duplex, with the window of the other side as back-pressure.
 *
 *   open ──our end──▶ half closed (60 s at most) ──FIN──▶ forgotten
 *     └───FIN──▶ readable side ends; ──our end──▶ forgotten
 *   RST in either direction, or destroy(): forgotten at once.
 *
 * FIN is sent once: a second one makes Go close the whole session.
 */
export class YamuxStream extends Duplex {
  /** What the peer may still send. */
  private receiveWindow = WINDOW_BYTES;
  /** What we may still send. */
  private sendWindow = WINDOW_BYTES;
  private waiting: (() => void) | undefined;
  private finSent = false;
  private finReceived = false;
  private gone = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly id: number,
    private readonly wire: Wire,
  ) {
    super({ allowHalfOpen: true, readableHighWaterMark: WINDOW_BYTES, writableHighWaterMark: MAX_FRAME_BYTES });
  }

  /** Bytes came. Returns false when the peer sends more than it may. */
  receive(body: Buffer): boolean {
    this.receiveWindow -= body.length;
    if (this.receiveWindow < 0) return false;
    if (!this.destroyed && !this.finReceived) this.push(body);
    return true;
  }

  grant(bytes: number): void {
    this.sendWindow += bytes;
    this.waiting?.();
  }

  /** The peer sends nothing more. */
  receiveEnd(): void {
    if (this.finReceived) return;
    this.finReceived = true;
    this.push(null);
    this.forgetWhenBothEnded();
  }

  /** The peer, or the whole session, has broken the stream off. */
  breakOff(error: Error): void {
    this.leave();
    this.destroy(error);
  }

  /** What was taken is credit for the peer. Node does not ask again with `_read` before something was pushed: a peer without credit pushes nothing. */
  override read(size?: number): unknown {
    const taken: unknown = super.read(size);
    const consumed = WINDOW_BYTES - this.receiveWindow - this.readableLength;
    if (consumed >= WINDOW_BYTES / 2 && !this.gone && !this.finReceived) {
      this.receiveWindow += consumed;
      this.wire.credit(this.id, consumed);
    }
    return taken;
  }

  /** Frames come when the peer sends them. */
  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.gone) return done(new Error('stream closed'));
    if (this.sendWindow === 0) {
      this.waiting = () => {
        this.waiting = undefined;
        this._write(chunk, _encoding, done);
      };
      return;
    }
    const taken = Math.min(chunk.length, this.sendWindow, MAX_FRAME_BYTES);
    this.sendWindow -= taken;
    if (taken === chunk.length) return this.wire.data(this.id, chunk, done);
    this.wire.data(this.id, chunk.subarray(0, taken), (error) => {
      if (error) done(error);
      else this._write(chunk.subarray(taken), _encoding, done);
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.gone && !this.finSent) {
      this.finSent = true;
      this.wire.finish(this.id);
      this.forgetWhenBothEnded();
      if (!this.gone) this.timer = setTimeout(() => this.destroy(), HALF_CLOSED_MS).unref();
    }
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.gone) {
      this.wire.reset(this.id);
      this.leave();
    }
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.();
    done(error);
  }

  private forgetWhenBothEnded(): void {
    if (this.finSent && this.finReceived) this.leave();
  }

  private leave(): void {
    if (this.gone) return;
    this.gone = true;
    clearTimeout(this.timer);
    this.wire.forget(this.id);
  }
}
