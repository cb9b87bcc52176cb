/**
 * The store did not answer within its deadline. `nothing-written`: it is certain that the commands left no trace; `unknown`: they
 * may have been written, and whoever asks again must look first (or use an idempotency key).
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  constructor(
    readonly outcome: 'nothing-written' | 'unknown',
    options?: ErrorOptions,
  ) {
    super(
      outcome === 'unknown'
        ? 'the event store does not answer; whether the command was written is not known'
        : 'the event store does not answer; nothing was written',
      options,
    );
  }
}

/** The database was migrated by a newer release: this one must not touch it. */
export class SchemaIsNewer extends Error {
  override readonly name = 'SchemaIsNewer';
  constructor(readonly unknownMigrations: readonly string[]) {
    super(`the database schema is newer than this release: it has ${unknownMigrations.join(', ')}`);
  }
}
