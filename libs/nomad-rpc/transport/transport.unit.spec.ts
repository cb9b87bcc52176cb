import { connect, type Socket } from 'node:net';
import {
  any,
  int,
  map,
  method,
  RpcError,
  RpcListener,
  struct,
  text,
  call,
  dial,
  openCall,
  openStream,
  type Connection,
  type Methods,
  type StreamingMethod,
  type YamuxSession,
} from '../index.js';

const echoArgs = struct({ Text: text, Times: int });
const echoReply = struct({ Text: text, Index: int });

const faults: unknown[] = [];
const bad: unknown[] = [];
const methods: Methods<Connection> = {
  plain: new Map(
    [
      method('Echo.Say', echoArgs, echoReply, ({ Text, Times }: { Text: string; Times: number }) => ({
        Text: Text.repeat(Times),
        Index: Times,
      })),
      method('Echo.Refuse', echoArgs, echoReply, () => {
        throw new RpcError('node not found');
      }),
      method('Echo.Break', echoArgs, echoReply, () => {
        throw new TypeError('secret detail');
      }),
      method(
        'Echo.Wait',
        echoArgs,
        echoReply,
        (_: unknown, __: Connection, signal: AbortSignal) =>
          new Promise<{ Text: string; Index: number }>((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(new RpcError('gone'))),
          ),
      ),
    ].map((one) => [one.name, one]),
  ),
  streaming: new Map<string, StreamingMethod<Connection>>([
    [
      'Echo.Stream',
      {
        name: 'Echo.Stream',
        answer: async ({ args, input, send, signal }) => {
          await send({ Error: null, Payload: args });
          for (;;) {
            const next = await input();
            if (next === undefined || signal.aborted) return;
            await send({ Error: null, Payload: next });
          }
        },
      },
    ],
    ['Echo.Fail', { name: 'Echo.Fail', answer: () => Promise.reject(new RpcError('must provide task name', 400)) }],
  ]),
  onFault: (error) => void faults.push(error),
};

let listener: RpcListener;
let port: number;
let session: YamuxSession;
const never = new AbortController().signal;

beforeAll(async () => {
  listener = new RpcListener({ methods, onSessionClosed: () => undefined, onBadPeer: (error) => void bad.push(error) });
  port = await listener.listen(0, '127.0.0.1');
});
beforeEach(async () => {
  faults.length = 0;
  bad.length = 0;
  session = await dial({
    host: '127.0.0.1',
    port,
    signal: never,
    onStream: (stream) => stream.destroy(),
    onClose: () => undefined,
  });
});
afterEach(() => session.close());
afterAll(() => listener.close());

const say = { method: 'Echo.Say', arguments: echoArgs, reply: echoReply };

it('answers a call', async () => {
  expect(await call(openStream(session), say, { Text: 'ä', Times: 3 }, never)).toEqual({ Text: 'äää', Index: 3 });
});

it('carries an answer that is larger than the window', async () => {
  const answer = await call(openStream(session), say, { Text: 'x'.repeat(1000), Times: 3000 }, never);
  expect(answer.Text.length).toBe(3_000_000);
});

it('gives back many calls at once, each its own answer', async () => {
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) => call(openStream(session), say, { Text: String(n), Times: 2 }, never)),
  );
  expect(answers.map(({ Text }) => Text)).toEqual(Array.from({ length: 200 }, (_, n) => `${n}${n}`));
});

it('forgets streams that both sides have ended', async () => {
  for (let n = 0; n < 5; n++) await call(openStream(session), say, { Text: 'x', Times: 1 }, never);
  await until(() => session.streamCount === 0);
});

it('tells a refusal by its text, and a fault of ours without its detail', async () => {
  await expect(
    call(openStream(session), { ...say, method: 'Echo.Refuse' }, { Text: '', Times: 0 }, never),
  ).rejects.toThrow(new RpcError('node not found'));
  await expect(
    call(openStream(session), { ...say, method: 'Echo.Break' }, { Text: '', Times: 0 }, never),
  ).rejects.toThrow(new RpcError('internal error'));
  expect(faults).toEqual([new TypeError('secret detail')]);
});

it.each([
  ['Nope.Nope', "rpc: can't find service Nope.Nope"],
  ['Echo.Nope', "rpc: can't find method Echo.Nope"],
  ['', "rpc: can't find service "],
])('says of the unknown method %j what Go says', async (name, message) => {
  await expect(call(openStream(session), { ...say, method: name }, { Text: '', Times: 0 }, never)).rejects.toThrow(
    new RpcError(message),
  );
});

it('answers arguments that do not fit with an error, and goes on', async () => {
  const wrong = { method: 'Echo.Say', arguments: map(any), reply: echoReply };
  await expect(call(openStream(session), wrong, { Times: 'many' }, never)).rejects.toThrow('msgpack decode error');
  expect(await call(openStream(session), say, { Text: 'y', Times: 1 }, never)).toEqual({ Text: 'y', Index: 1 });
});

it('breaks a call off when its signal says so', async () => {
  const control = new AbortController();
  const waiting = call(openStream(session), { ...say, method: 'Echo.Wait' }, { Text: '', Times: 0 }, control.signal);
  control.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect(await call(openStream(session), say, { Text: 'y', Times: 1 }, never)).toEqual({ Text: 'y', Index: 1 });
});

it('streams both ways until the caller ends', async () => {
  const open = await openCall(openStream(session), 'Echo.Stream', Buffer.from([0x01]), never);
  const seen: string[] = [];
  await open.send(Buffer.from([0xa2, 0x68, 0x69]));
  for await (const frame of open.frames) {
    seen.push(frame.Payload!.toString('hex'));
    if (seen.length === 2) open.end();
  }
  expect(seen).toEqual(['01', 'a26869']);
});

it('refuses an unknown streaming method, and ends a failing one with an error frame', async () => {
  await expect(openCall(openStream(session), 'Nope.Nope', Buffer.from([0x80]), never)).rejects.toThrow(
    'Unknown rpc method: "Nope.Nope"',
  );
  const open = await openCall(openStream(session), 'Echo.Fail', Buffer.from([0x80]), never);
  const frames = [];
  for await (const frame of open.frames) frames.push(frame);
  expect(frames).toEqual([{ Error: { Message: 'must provide task name', Code: 400 }, Payload: null }]);
});

describe('a peer that misbehaves loses its own connection only', () => {
  const raw = (bytes: number[]): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(Buffer.from(bytes));
        resolve(socket);
      });
      socket.on('error', () => undefined);
    });
  const closed = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      socket.resume();
      socket.once('close', () => resolve());
    });
  const mux = (...frames: number[][]): number[] => [0x06, ...frames.flat()];
  const head = (type: number, flags: number, id: number, length: number): number[] => [
    0,
    type,
    flags >> 8,
    flags & 255,
    ...[24, 16, 8, 0].map((shift) => (id >>> shift) & 255),
    ...[24, 16, 8, 0].map((shift) => (length >>> shift) & 255),
  ];

  it.each([
    ['an unknown first byte', [0x02]],
    ['TLS where there is none', [0x04, 0x16, 0x03, 0x01]],
    ['an HTTP request', [...Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
    ['another version of yamux', mux([9, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])],
    ['an unknown frame type', mux(head(7, 0, 1, 0))],
    ['a stream with an even id', mux(head(1, 1, 2, 0))],
    ['the same stream opened twice', mux(head(1, 1, 1, 0), head(1, 1, 1, 0))],
    ['a stream with id 0', mux(head(1, 1, 0, 0))],
    ['a GO AWAY with an error', mux(head(3, 0, 0, 2))],
  ])('%s', async (_, bytes) => {
    await closed(await raw(bytes));
    expect(await call(openStream(session), say, { Text: 'y', Times: 1 }, never)).toEqual({ Text: 'y', Index: 1 });
  });

  it('more than the window on one stream', async () => {
    const body = Buffer.alloc(300 * 1024, 0xc0);
    // The stream's first byte is its mode; what follows is never read by anybody, so no credit is given.
    const socket = await raw(mux(head(1, 1, 1, 0), head(0, 0, 1, 1), [0x05]));
    socket.write(Buffer.from(head(0, 0, 1, 1)));
    socket.write(Buffer.from([0xdf]));
    socket.write(Buffer.concat([Buffer.from(head(0, 0, 1, body.length)), body]));
    await closed(socket);
    expect(await call(openStream(session), say, { Text: 'y', Times: 1 }, never)).toEqual({ Text: 'y', Index: 1 });
  });

  it('a message that says it is longer than allowed', async () => {
    const socket = await raw(mux(head(1, 1, 1, 0), head(0, 0, 1, 6), [0x01, 0xdf, 0xff, 0xff, 0xff, 0xff]));
    const seen: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => seen.push(chunk));
    // The stream is reset; the session goes on.
    await until(() => Buffer.concat(seen).includes(Buffer.from(head(1, 8, 1, 0))));
    socket.destroy();
    expect(bad).toHaveLength(1);
  });

  it('data for streams that do not exist is passed over', async () => {
    const socket = await raw(mux(head(0, 0, 99, 3), [1, 2, 3], head(2, 1, 0, 7)));
    const seen: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => seen.push(chunk));
    await until(() => Buffer.concat(seen).includes(Buffer.from(head(2, 2, 0, 7))));
    socket.destroy();
  });

  it('more streams than allowed are reset', async () => {
    const opened = Array.from({ length: 513 }, (_, n) => head(1, 1, 2 * n + 1, 0)).flat();
    const socket = await raw(mux(opened));
    const seen: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => seen.push(chunk));
    await until(() => Buffer.concat(seen).includes(Buffer.from(head(1, 8, 1025, 0))));
    socket.destroy();
  });
});

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 500) throw new Error('it did not come to be');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
