/* The bounds of the RPC edge. What Nomad's server does is copied where a client could notice; spec/rpc §2.2, §3.2. */

/** From accept to the first byte, and again for the TLS handshake. */
export const HANDSHAKE_MS = 5000;
/** TCP connections of one address at the same time, unless configured; streaming ones among them. */
export const MAX_CONNECTIONS_PER_ADDRESS = 100;
/** TCP connections altogether. */
export const MAX_CONNECTIONS = 20_000;

/** Bytes that a peer may send on one stream before we give credit. */
export const WINDOW_BYTES = 256 * 1024;
/** One DATA frame of ours. */
export const MAX_FRAME_BYTES = 64 * 1024;
/** Streams that a peer may have open in one session: each blocked call takes one. */
export const MAX_STREAMS = 512;
/** Bytes that wait for a peer that reads slowly; beyond it the session ends. */
export const MAX_UNSENT_BYTES = 16 * 1024 * 1024;
/** Time that a socket may take no bytes while some wait. */
export const WRITE_TIMEOUT_MS = 10_000;
export const KEEP_ALIVE_MS = 30_000;
export const PING_TIMEOUT_MS = 10_000;
/** How long a stream that we have ended waits for the peer to end it too. */
export const HALF_CLOSED_MS = 60_000;

/** `{ServiceMethod, Seq}` or `{Method}`. */
export const MAX_HEADER_BYTES = 4096;
/** Arguments or a reply: a report of some thousand allocations, with events, takes 10 MB. */
export const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
/** Messages that are being received by all sessions together. */
export const MAX_RECEIVING_BYTES = 256 * 1024 * 1024;
/** How long the rest of a message may take to come once it has begun. */
export const MESSAGE_TIMEOUT_MS = 30_000;
