import { get, type IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';

/** A frame of the event stream: a heartbeat without members, or one of these. */
export interface Frame {
  readonly Index?: number;
  readonly Events?: readonly {
    readonly Topic: string;
    readonly Type: string;
    readonly Key: string;
    readonly Namespace: string;
    readonly Index: number;
    readonly Payload: Readonly<Record<string, unknown>>;
  }[];
  readonly Meta?: { readonly Actor: string; readonly Reason: string };
  readonly Head?: number;
  readonly Error?: string;
  readonly Resume?: number;
}

/** An open stream: frames as they come, until it ends or is closed. */
export interface OpenStream {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly frames: AsyncIterable<Frame>;
  readonly close: () => void;
}

/** Opens an event stream. `query` as in the URL. */
export function openStream(url: string, query: string, headers: Record<string, string> = {}): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    const request = get(`${url}/v1/event/stream?${query}`, { headers, agent: false }, (response) => {
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        frames: framesOf(response),
        close: () => request.destroy(),
      });
    });
    request.on('error', reject);
  });
}

async function* framesOf(response: IncomingMessage): AsyncGenerator<Frame> {
  const body = response.headers['content-encoding'] === 'gzip' ? response.pipe(createGunzip()) : response;
  const asSse = response.headers['content-type'] === 'text/event-stream';
  let rest = '';
  try {
    for await (const chunk of body.setEncoding('utf8') as AsyncIterable<string>) {
      const parts = (rest + chunk).split(asSse ? '\n\n' : '\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const text = asSse ? /^data: (.*)$/m.exec(part)?.[1] : part;
        yield text === undefined ? {} : (JSON.parse(text) as Frame);
      }
    }
  } catch {
    // The server was killed: what came whole is what there is.
  }
}

/** Frames until one satisfies the condition, or the stream ends; that one included. */
export async function framesUntil(stream: OpenStream, isLast: (frame: Frame) => boolean): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of stream.frames) {
    frames.push(frame);
    if (isLast(frame)) break;
  }
  stream.close();
  return frames;
}
