/* The frames of yamux; spec/rpc §3.1. */

export const HEADER_BYTES = 12;
export const VERSION = 0;

export const DATA = 0;
export const WINDOW_UPDATE = 1;
export const PING = 2;
export const GO_AWAY = 3;

export const SYN = 1;
export const ACK = 2;
export const FIN = 4;
export const RST = 8;

export const NORMAL = 0;
export const PROTOCOL_ERROR = 1;

/** The header of a frame: 12 bytes, big endian. `length` is the body's for DATA, else a credit, an opaque id or a reason. */
export function header(type: number, flags: number, streamId: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES);
  bytes[0] = VERSION;
  bytes[1] = type;
  bytes.writeUInt16BE(flags, 2);
  bytes.writeUInt32BE(streamId, 4);
  bytes.writeUInt32BE(length, 8);
  return bytes;
}
