/** Marks a branch that cannot be reached when a union is handled exhaustively. @throws Error when it is reached all the same. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
