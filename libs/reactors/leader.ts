import { randomUUID } from 'node:crypto';
import { LeaseHolder, type Command, type CommandHandler, type Leases } from '@app/event-store';
import type { CommandContext, Decision, StateView, StreamName, TimeUs } from '@app/kernel';
import type { LogCommit, LogTail } from '@app/streaming';
import type { ClusterState } from './cluster-state.js';
import type { Reactor, ReactorContext } from './reactor.js';

/** The lease of all reactors that command the cluster; appends are fenced by its epoch. */
export const SCHEDULER_LEASE = 'scheduler';
/** A crashed leader is replaced after at most this and one attempt. */
const LEASE_TTL_MS = 3000;
const RENEW_MS = 1000;
/** How often those who wait look whether the lease is free: a handed-over one is taken up within this. */
const TRY_MS = 200;
/** How soon the cluster is restored again after that failed. */
const RESTORE_RETRY_MS = 500;

export interface LeaderOptions {
  readonly leases: Leases;
  readonly handler: CommandHandler;
  readonly tail: LogTail;
  readonly cluster: ClusterState;
  /** Fills the cluster's memory anew, where a commit has shown that it is not what the log says. */
  readonly restore: () => Promise<void>;
  /** Name of this instance, as leases show it. */
  readonly holder: string;
  readonly clock: () => TimeUs;
  readonly reactors: (context: ReactorContext) => readonly Reactor[];
  readonly onError: (error: unknown) => void;
  readonly onChange: (leads: boolean) => void;
}

/**
 * Runs the reactors while it holds the lease.
 *
 * What the former leader wrote is seen before they start. A leader that was paused past its lease finds its epoch gone: the append refuses what
 * it still commands, and the next renewal ends it.
 *
 * A reactor that throws at a commit may have missed it: all of them end, and others take up the work from the cluster as it is. The same, with the
 * cluster restored first, when the cluster's memory cannot take a commit.
 */
export class Leader {
  private readonly lease: LeaseHolder;
  private reactors: readonly Reactor[] = [];
  /** Makes and starts the reactors of the present term; undefined: another instance leads. */
  private begin: (() => void) | undefined;
  private mending: Promise<void> | undefined;
  private closed = false;

  constructor(private readonly options: LeaderOptions) {
    const { leases, holder, tail, onError, onChange } = options;
    this.lease = new LeaseHolder({
      leases,
      lease: SCHEDULER_LEASE,
      holder,
      pace: { ttlMs: LEASE_TTL_MS, renewMs: RENEW_MS, tryMs: TRY_MS },
      prepare: () => tail.readIndex(),
      begin: (epoch) => this.lead(epoch),
      onError,
      onChange,
    });
    tail.onCommit((commit) => this.take(commit));
  }

  get leads(): boolean {
    return this.heldEpoch > 0;
  }

  /** The epoch in which this instance leads; 0: it does not. */
  get heldEpoch(): number {
    return this.lease.epoch;
  }

  /** Tries at once, and then again and again. */
  start(): Promise<void> {
    return this.lease.start();
  }

  /** Hands over: another instance can lead within moments. */
  async close(): Promise<void> {
    this.closed = true;
    await this.lease.close();
    await this.mending;
  }

  private take(commit: LogCommit): void {
    const { cluster, onError } = this.options;
    try {
      const movements = cluster.apply(commit);
      for (const reactor of this.reactors) reactor.react(movements);
    } catch (error) {
      onError(error);
      // Whoever threw: what is held may have taken a part of the commit only.
      cluster.beginRestoring();
      this.mending ??= this.mend().finally(() => (this.mending = undefined));
    }
  }

  private async mend(): Promise<void> {
    const { cluster, restore, onError } = this.options;
    await this.endReactors();
    while (!cluster.isComplete && !this.closed) {
      try {
        await restore();
      } catch (error) {
        onError(error);
        await new Promise((resolve) => setTimeout(resolve, RESTORE_RETRY_MS));
      }
    }
    this.begin?.();
  }

  private lead(epoch: number): () => Promise<void> {
    const context = this.contextOf(epoch);
    this.begin = () => {
      this.reactors = this.options.reactors(context);
      for (const reactor of this.reactors) reactor.start();
    };
    if (this.mending === undefined) this.begin();
    return () => {
      this.begin = undefined;
      return this.endReactors();
    };
  }

  private async endReactors(): Promise<void> {
    const { reactors } = this;
    this.reactors = [];
    await Promise.allSettled(reactors.map((reactor) => reactor.stop()));
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
      caughtUp: () => tail.readIndex(),
      now: clock,
      newId: randomUUID,
      onError,
    };
  }
}
