import { any, encode, type Any, type OpenCall } from '@app/nomad-rpc';
import type { WebSocket } from 'ws';
import { NomadError } from '../http/index.js';

/** Close codes of exec: errors of status 500 or none, and all others. spec/http-api-client §4. */
const INTERNAL_ERROR = 1011;
const POLICY_VIOLATION = 1008;
/** Bytes of a close frame's reason. */
const MAX_REASON = 123;
const MAX_UNSENT_BYTES = 1024 * 1024;

/** A message of the client's side, as its JSON has it. */
interface Input {
  readonly stdin?: { readonly data?: unknown; readonly close?: unknown } | null;
  readonly tty_size?: { readonly height?: unknown; readonly width?: unknown } | null;
}

/** The same as nodes take it; undefined: it is no message. */
export function inputFrame(text: string): Buffer | undefined {
  let input: Input | null;
  try {
    input = JSON.parse(text) as Input | null;
  } catch {
    return undefined;
  }
  if (typeof input !== 'object' || input === null) return undefined;
  const frame: Record<string, Any> = {};
  if (input.stdin != null) {
    const { data, close } = input.stdin;
    frame['Stdin'] = { Data: Buffer.from(typeof data === 'string' ? data : '', 'base64'), Close: close === true };
  }
  if (input.tty_size != null) {
    const { height, width } = input.tty_size;
    frame['TtySize'] = { Height: whole(height), Width: whole(width) };
  }
  return encode(any, frame);
}

const whole = (value: unknown): number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0x7fff ? value : 0;

/** Passes messages between a client and a node until either ends. The slower side slows the other. */
export async function runExec(socket: WebSocket, { frames, send, end }: OpenCall): Promise<void> {
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    const frame = isBinary ? undefined : inputFrame(data.toString('utf8'));
    if (frame === undefined) return;
    socket.pause();
    send(frame).then(
      () => socket.resume(),
      () => socket.terminate(),
    );
  });
  socket.once('close', () => end());
  for await (const frame of frames) {
    if (socket.readyState !== socket.OPEN) return;
    if (frame.Error !== null) return closeWith(socket, new NomadError(frame.Error.Message, frame.Error.Code ?? 500));
    if (frame.Payload === null || frame.Payload.length === 0) continue;
    const payload = frame.Payload.toString('utf8');
    await sent(socket, payload);
    // The end of the command ends the connection, without a close frame.
    if (hasExited(payload)) return socket.terminate();
  }
  socket.terminate();
}

const hasExited = (payload: string): boolean => payload.includes('"exited":true');

const sent = (socket: WebSocket, payload: string): Promise<void> =>
  new Promise((resolve) => {
    socket.send(payload, { binary: false }, () => resolve());
    if (socket.bufferedAmount < MAX_UNSENT_BYTES) resolve();
  });

/** Tells an error as exec tells it. */
export function closeWith(socket: WebSocket, error: unknown): void {
  const { text, status } = error instanceof NomadError ? error : { text: 'internal error', status: 500 };
  // The other side answers a close, and is to be heard.
  socket.resume();
  socket.close(status === 500 || text === 'Permission denied' ? INTERNAL_ERROR : POLICY_VIOLATION, shortened(text));
}

/** As much of a text as a close frame holds, no character cut in two. */
function shortened(text: string): string {
  let kept = text;
  while (Buffer.byteLength(kept) > MAX_REASON)
    kept = kept
      .slice(0, Math.max(0, kept.length - 1))
      .toWellFormed()
      .replace(/\ufffd$/, '');
  return kept;
}
