import type { Leases } from './port.js';

export interface LeaseHolderOptions {
  readonly leases: Pick<Leases, 'acquireLease' | 'renewLease' | 'releaseLease'>;
  readonly lease: string;
  /** Name of this instance, as leases show it. */
  readonly holder: string;
  /** Milliseconds: how long the lease lasts unless it is renewed, how often it is renewed, how often those who wait look whether it is free. */
  readonly pace: { readonly ttlMs: number; readonly renewMs: number; readonly tryMs: number };
  /** What must have happened between getting the lease and using it. When it throws, the lease is tried for again. */
  readonly prepare?: () => Promise<unknown>;
  /** Begins what only the holder does; the returned function ends it. */
  readonly begin: (epoch: number) => () => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly onChange: (holds: boolean) => void;
}

interface Term {
  readonly epoch: number;
  readonly end: () => Promise<void>;
}

/**
 * Keeps trying for a lease, and while it holds it does what only the holder does.
 *
 *   waiting ──acquired──► preparing ──prepared──► holding ──lost / closed──► waiting
 *
 * A renewal that cannot be asked for is no loss: the term goes on until the store says that another epoch has begun. So the lease alone keeps
 * nobody from acting late; a holder that was paused past it is stopped by the fence of what it writes.
 */
export class LeaseHolder {
  private term: Term | undefined;
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> | undefined;
  private closed = false;

  constructor(private readonly options: LeaseHolderOptions) {}

  /** The epoch in which this instance holds the lease; 0: it does not. */
  get epoch(): number {
    return this.term?.epoch ?? 0;
  }

  /** Tries at once, and then again and again. Resolves after the first attempt. */
  start(): Promise<void> {
    return this.tick();
  }

  /** Hands over: another instance can hold the lease as soon as it looks. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.round;
    const { term } = this;
    if (term === undefined) return;
    await this.end(term);
    const { leases, lease, onError } = this.options;
    await leases.releaseLease(lease, term.epoch).catch(onError);
  }

  private async tick(): Promise<void> {
    if (this.closed) return;
    this.round = (this.term === undefined ? this.tryToHold() : this.renew(this.term)).catch(this.options.onError);
    await this.round;
    const { tryMs, renewMs } = this.options.pace;
    if (!this.closed) this.timer = setTimeout(() => void this.tick(), this.term === undefined ? tryMs : renewMs);
  }

  private async tryToHold(): Promise<void> {
    const { leases, lease, holder, pace, prepare, begin, onChange } = this.options;
    const epoch = await leases.acquireLease(lease, holder, pace.ttlMs);
    if (epoch === undefined) return;
    await prepare?.();
    if (this.closed) return leases.releaseLease(lease, epoch);
    this.term = { epoch, end: begin(epoch) };
    onChange(true);
  }

  private async renew(term: Term): Promise<void> {
    const { leases, lease, pace } = this.options;
    if (!(await leases.renewLease(lease, term.epoch, pace.ttlMs))) await this.end(term);
  }

  private async end(term: Term): Promise<void> {
    this.term = undefined;
    await term.end();
    this.options.onChange(false);
  }
}
