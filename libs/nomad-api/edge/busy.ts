/** This instance has as much of something as it takes on: 429 with Retry-After. */
export class Busy extends Error {
  constructor(
    message: string,
    readonly retryAfterSeconds: number,
  ) {
    super(message);
  }
}
