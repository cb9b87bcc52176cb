import { duplexPair, PassThrough, type Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { WINDOW_BYTES } from '../limits.js';
import { YamuxSession } from './index.js';

/** A stream of one session, and the same one as the other session sees it. */
async function streams(): Promise<{ readonly near: Duplex; readonly far: Duplex; readonly close: () => void }> {
  const [one, other] = duplexPair();
  const arrived = Promise.withResolvers<Duplex>();
  const ignore = (): void => undefined;
  const dialler = new YamuxSession(one, { role: 'dialler', onStream: (stream) => stream.destroy(), onClose: ignore });
  const acceptor = new YamuxSession(other, { role: 'acceptor', onStream: arrived.resolve, onClose: ignore });
  const near = dialler.open();
  near.write('x');
  const far = await arrived.promise;
  far.once('error', ignore);
  near.once('error', ignore);
  return {
    near,
    far,
    close: () => {
      dialler.close();
      acceptor.close();
    },
  };
}

const SENT = 6 * WINDOW_BYTES + 12_345;

describe('a reader gets all that was sent, whatever its pace', () => {
  it.each([0, 1, 2, 3, 7])('taking a chunk every %d turns of the loop', async (turns) => {
    const { near, far, close } = await streams();
    far.end(Buffer.alloc(SENT, 'a'));
    let bytes = 0;
    for await (const chunk of near.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      for (let n = 0; n < turns; n++) await turn();
    }
    expect(bytes).toBe(SENT);
    close();
  });

  it.each([100, 1_000, 100_000])('piping on into a stream that holds %d bytes', async (highWaterMark) => {
    const { near, far, close } = await streams();
    far.end(Buffer.alloc(SENT, 'a'));
    const sink = near.pipe(new PassThrough({ highWaterMark }));
    let bytes = 0;
    for await (const chunk of sink as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      await turn();
    }
    expect(bytes).toBe(SENT);
    close();
  });

  it('first when the window is full, then all at once', async () => {
    const { near, far, close } = await streams();
    far.write(Buffer.alloc(SENT, 'a'));
    // One byte makes the stream look at its buffer while next to nothing has been taken.
    while (near.readableLength < WINDOW_BYTES) {
      near.read(0);
      await turn();
    }
    let bytes = (near.read(1) as Buffer).length;
    while (bytes < SENT) {
      bytes += (near.read() as Buffer | null)?.length ?? 0;
      await turn();
    }
    expect(bytes).toBe(SENT);
    close();
  });
});

it('a reader that takes nothing holds the sender at the window', async () => {
  const { near, far, close } = await streams();
  far.write(Buffer.alloc(SENT, 'a'));
  for (let n = 0; n < 50; n++) await turn();
  near.read(0);
  expect(near.readableLength).toBeLessThanOrEqual(WINDOW_BYTES);
  expect(far.writableLength).toBeGreaterThan(0);
  close();
});
