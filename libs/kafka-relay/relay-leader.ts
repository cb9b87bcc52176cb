import { LeaseHolder, type Leases } from '@app/event-store';
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
 * Runs a relay while it holds the lease.
 *
 * The lease keeps instances from fencing each other all the time, no more: that a relay which was paused past its lease publishes nothing is
 * Kafka's doing, which has fenced it since.
 */
export class RelayLeader {
  private readonly lease: LeaseHolder;
  private relay: Relay | undefined;

  constructor({ newRelay, ...options }: RelayLeaderOptions) {
    this.lease = new LeaseHolder({
      ...options,
      lease: RELAY_LEASE,
      pace: { ttlMs: LEASE_TTL_MS, renewMs: LEASE_RENEW_MS, tryMs: LEASE_RENEW_MS },
      begin: () => {
        const relay = newRelay();
        this.relay = relay;
        relay.start();
        return async () => {
          this.relay = undefined;
          await relay.stop();
        };
      },
    });
  }

  /** The epoch of the lease while this instance holds it; 0: it does not. */
  get heldEpoch(): number {
    return this.lease.epoch;
  }

  /** What the relay knows of its lag, where it runs. */
  get progress(): RelayProgress | undefined {
    return this.relay?.progress;
  }

  /** Tries at once, and then every second. */
  start(): Promise<void> {
    return this.lease.start();
  }

  /** Hands over: another instance can publish within moments. */
  close(): Promise<void> {
    return this.lease.close();
  }
}
