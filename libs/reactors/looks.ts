/** Looks at something at intervals, one look at a time: one that takes longer is not overtaken by the next. */
export class Looks {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly look: () => Promise<void>,
    /** Milliseconds from one look to the next. */
    private readonly everyMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.timer = setInterval(() => {
      this.looking ??= this.look()
        .catch(this.onError)
        .finally(() => (this.looking = undefined));
    }, this.everyMs);
  }

  /** Starts no more looks; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }
}
