import { randomUUID } from 'node:crypto';
import type { Command, CommandHandler, Leases } from '@app/event-store';
import type { CommandContext, Decision, StateView, StreamName, TimeUs } from '@app/kernel';
import type { LogTail } from '@app/streaming';
import type { ClusterState } from './cluster-state.js';
import type { Reactor, ReactorContext } from './reactor.js';

/** The lease of all reactors that command the cluster; appends are fenced by its epoch. */
export const SCHEDULER_LEASE = 'scheduler';
/** A crashed leader is replaced after at most this and one attempt. */
const LEASE_TTL_MS = 3000;
const RENEW_MS = 1000;
/** How often those who wait look whether the lease is free: a handed-over one is taken up within this. */
const TRY_MS = 200;

export interface LeaderOptions {
  readonly leases: Leases;
  readonly handler: CommandHandler;
  readonly tail: LogTail;
  readonly cluster: ClusterState;
  /** Name of this instance, as leases show it. */
  readonly holder: string;
  readonly clock: () => TimeUs;
  readonly reactors: (context: ReactorContext) => readonly Reactor[];
  readonly onError: (error: unknown) => void;
  readonly onChange: (leads: boolean) => void;
}

/**
 * Keeps trying for the lease, and while it holds it runs the reactors.
 *
 *   waiting ──acquired──► catching up ──applied the head──► leading ──lost / closed──► waiting
 *
 * A leader that was paused past its lease finds its epoch gone: the append refuses what it still commands, and the next renewal ends it.
 */
export class Leader {
  private epoch: number | undefined;
  private reactors: readonly Reactor[] = [];
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> | undefined;
  private closed = false;

  constructor(private readonly options: LeaderOptions) {
    options.tail.onCommit((commit) => {
      const movements = options.cluster.apply(commit);
      for (const reactor of this.reactors) reactor.react(movements);
    });
  }

  get leads(): boolean {
    return this.reactors.length > 0;
  }

  /** The epoch in which this instance leads; 0: it does not. */
  get heldEpoch(): number {
    return this.leads ? (this.epoch ?? 0) : 0;
  }

  /** Tries at once, and then again and again. */
  start(): Promise<void> {
    return this.tick();
  }

  /** Hands over: another instance can lead within moments. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.round;
    const { epoch } = this;
    await this.resign();
    if (epoch !== undefined) await this.options.leases.releaseLease(SCHEDULER_LEASE, epoch).catch(this.options.onError);
  }

  private async tick(): Promise<void> {
    if (this.closed) return;
    this.round = (this.epoch === undefined ? this.tryToLead() : this.renew()).catch((error: unknown) => {
      this.options.onError(error);
    });
    await this.round;
    if (!this.closed) this.timer = setTimeout(() => void this.tick(), this.epoch === undefined ? TRY_MS : RENEW_MS);
  }

  private async tryToLead(): Promise<void> {
    const { leases, tail, holder } = this.options;
    const epoch = await leases.acquireLease(SCHEDULER_LEASE, holder, LEASE_TTL_MS);
    if (epoch === undefined) return;
    // What the former leader wrote must be seen before anything is decided.
    await tail.readIndex();
    if (this.closed) return leases.releaseLease(SCHEDULER_LEASE, epoch);
    this.epoch = epoch;
    this.reactors = this.options.reactors(this.contextOf(epoch));
    for (const reactor of this.reactors) reactor.start();
    this.options.onChange(true);
  }

  private async renew(): Promise<void> {
    if (await this.options.leases.renewLease(SCHEDULER_LEASE, this.epoch!, LEASE_TTL_MS)) return;
    await this.resign();
  }

  private async resign(): Promise<void> {
    this.epoch = undefined;
    const { reactors } = this;
    this.reactors = [];
    await Promise.allSettled(reactors.map((reactor) => reactor.stop()));
    if (reactors.length > 0) this.options.onChange(false);
  }

  private contextOf(epoch: number): ReactorContext {
    const { handler, tail, cluster, clock, holder, onError } = this.options;
    return {
      cluster,
      execute: <A>(
        name: string,
        decide: (view: StateView, context: CommandContext) => Decision<A>,
        causation?: string,
        reads?: readonly StreamName[],
      ) => {
        const command: Command<A> = {
          name,
          decide,
          meta: { actor: `scheduler ${holder}`, ...(causation === undefined ? {} : { causation }) },
          fence: { lease: SCHEDULER_LEASE, epoch },
          ...(reads === undefined ? {} : { reads }),
        };
        return handler.execute(command);
      },
      reached: (index) => tail.reached(index),
      now: clock,
      newId: randomUUID,
      onError,
    };
  }
}
