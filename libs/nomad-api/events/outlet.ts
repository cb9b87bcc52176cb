import type { ServerResponse } from 'node:http';
import { constants, createGzip, type Gzip } from 'node:zlib';

/** How long a client may take nothing at all before its stream is closed. */
const STALLED_MS = 30_000;
/** How long it is given to take the last frame. */
const LAST_FRAME_MS = 5_000;

/** The client's end of a stream: what was written and not yet taken is bounded by waiting for it. */
export class Outlet {
  private readonly sink: Gzip | ServerResponse;
  private gone = false;
  private readonly goneListeners = new Set<() => void>();

  constructor(
    private readonly response: ServerResponse,
    gzip: boolean,
  ) {
    if (gzip) {
      // Every write is a frame or several, and nobody is to wait for the next one.
      const packer = createGzip({ level: constants.Z_BEST_SPEED, flush: constants.Z_SYNC_FLUSH });
      packer.on('error', () => response.destroy());
      packer.pipe(response);
      this.sink = packer;
    } else this.sink = response;
    response.on('error', () => undefined);
    response.on('close', () => {
      this.gone = true;
      if (this.sink !== response) this.sink.destroy();
      for (const listener of this.goneListeners) listener();
    });
  }

  /** The client has gone. */
  get isGone(): boolean {
    return this.gone;
  }

  onGone(listener: () => void): () => void {
    this.goneListeners.add(listener);
    return () => this.goneListeners.delete(listener);
  }

  /** Writes, and waits until there is room for more. False: the client takes nothing any more. */
  write(bytes: Buffer): Promise<boolean> | boolean {
    if (this.gone) return true;
    return this.sink.write(bytes) ? true : this.drained();
  }

  private drained(): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isTaken: boolean): void => {
        clearTimeout(timer);
        this.sink.off('drain', onDrain);
        cancel();
        resolve(isTaken);
      };
      const onDrain = (): void => settle(true);
      const timer = setTimeout(() => settle(false), STALLED_MS);
      const cancel = this.onGone(() => settle(true));
      this.sink.once('drain', onDrain);
    });
  }

  /** Ends the stream, with a last frame if there is one. */
  end(last?: Buffer): void {
    if (this.gone) return;
    this.sink.end(last);
    setTimeout(() => this.response.destroy(), LAST_FRAME_MS).unref();
  }
}
