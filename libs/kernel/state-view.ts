import type { StreamName } from './stream.js';

/**
 * The states that a decision reads. Every read is remembered, and the append checks that none of these streams has moved since:
 * whatever was read still holds at the moment of the append.
 */
export interface StateView {
  /** The state of a stream, or undefined if it has no events. */
  read<S>(stream: StreamName): S | undefined;
}
