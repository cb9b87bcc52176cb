import type { Leases } from '@app/event-store';
import { LEASE_RENEW_MS, LEASE_TTL_MS } from './limits.js';
import type { Relay, RelayProgress } from './relay.js';

/** The lease of the one instance that publishes. */
export const RELAY_LEASE = 'relay';

export interface RelayLeaderOptions {
  readonly leases: Pick<Leases, 'acquireLease' | 'renewLease' | 'releaseLease'>;
  /** Name of this instance, as leases show it. */
  readonly holder: string;
  readonly newRelay: () => Relay;
  readonly onError: (error: unknown) => void;
  readonly onChange: (leads: boolean) => void;
}

/**
 * Keeps trying for the lease, and runs a relay while it holds it.
 *
 *   waiting ──acquired──► publishing ──lost / closed──► waiting
 *
 * The lease keeps instances from fencing each other all the time, no more: that a relay which was paused past its lease publishes nothing is
 * Kafka's doing, which has fenced it since.
 */
export class RelayLeader {
  private epoch: number | undefined;
  private relay: Relay | undefined;
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> | undefined;
  private closed = false;

  constructor(private readonly options: RelayLeaderOptions) {}

  /** The epoch of the lease while this instance holds it; 0: it does not. */
  get heldEpoch(): number {
    return this.epoch ?? 0;
  }

  /** What the relay knows of its lag, where it runs. */
  get progress(): RelayProgress | undefined {
    return this.relay?.progress;
  }

  /** Tries at once, and then every second. */
  start(): Promise<void> {
    return this.tick();
  }

  /** Hands over: another instance can publish within moments. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.round;
    const { epoch } = this;
    await this.resign();
    if (epoch !== undefined) await this.options.leases.releaseLease(RELAY_LEASE, epoch).catch(this.options.onError);
  }

  private async tick(): Promise<void> {
    if (this.closed) return;
    this.round = (this.epoch === undefined ? this.tryToLead() : this.renew(this.epoch)).catch((error: unknown) => {
      this.options.onError(error);
    });
    await this.round;
    if (!this.closed) this.timer = setTimeout(() => void this.tick(), LEASE_RENEW_MS);
  }

  private async tryToLead(): Promise<void> {
    const { leases, holder } = this.options;
    const epoch = await leases.acquireLease(RELAY_LEASE, holder, LEASE_TTL_MS);
    if (epoch === undefined) return;
    this.epoch = epoch;
    if (this.closed) return;
    this.relay = this.options.newRelay();
    this.relay.start();
    this.options.onChange(true);
  }

  private async renew(epoch: number): Promise<void> {
    if (await this.options.leases.renewLease(RELAY_LEASE, epoch, LEASE_TTL_MS)) return;
    await this.resign();
  }

  private async resign(): Promise<void> {
    this.epoch = undefined;
    const { relay } = this;
    this.relay = undefined;
    await relay?.stop();
    if (relay !== undefined) this.options.onChange(false);
  }
}
