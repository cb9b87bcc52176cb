/** A message that is not what it should be. The text goes back to the caller. */
export class DecodeError extends Error {
  constructor(detail: string) {
    super(`msgpack decode error ${detail}`);
  }
}
