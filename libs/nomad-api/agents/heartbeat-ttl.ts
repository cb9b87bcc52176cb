/** Hands out TTLs: the base plus a random part, so that agents do not beat in step. spec/lifecycle §9.2. */
export class HeartbeatTtl {
  constructor(
    private readonly baseMs: () => number,
    private readonly random: () => number,
  ) {}

  /** Milliseconds. */
  next(): number {
    const base = this.baseMs();
    return Math.floor(base + this.random() * base);
  }
}
