import type { Outcome } from '@app/event-store';
import type { CommandContext, Decision, Index, StateView, StreamName, TimeUs } from '@app/kernel';
import type { ClusterState, Movement } from './cluster-state.js';

/** What a reactor is given: the cluster as far as the log was applied, and the way to issue commands. It writes nothing itself. */
export interface ReactorContext {
  readonly cluster: ClusterState;
  /** Runs a decision as a command of this leader: fenced by its lease, so that it fails once another leads. */
  readonly execute: <A>(
    name: string,
    decide: (view: StateView, context: CommandContext) => Decision<A>,
    causation?: string,
    /** Streams that it is known to read: loaded together. */
    reads?: readonly StreamName[],
  ) => Promise<Outcome<A>>;
  /** Resolves when this process has applied the commit. */
  readonly reached: (index: Index) => Promise<void>;
  /** Resolves when this process has applied everything that was committed before the call. */
  readonly caughtUp: () => Promise<unknown>;
  readonly now: () => TimeUs;
  readonly newId: () => string;
  readonly onError: (error: unknown) => void;
}

/**
 * Executes a command that must not be forgotten, and tells what became of it: taken, refused for what it asks, or another leader's business now.
 * @throws Error when it found no turn: it is to be issued again.
 */
export async function issue<A>(
  { execute }: Pick<ReactorContext, 'execute'>,
  name: string,
  decide: (view: StateView, context: CommandContext) => Decision<A>,
  causation?: string,
  reads?: readonly StreamName[],
): Promise<Outcome<A>> {
  const outcome = await execute(name, decide, causation, reads);
  if (outcome.kind === 'overloaded' || outcome.kind === 'conflict')
    throw new Error(`${name} was not taken: ${outcome.kind}`);
  return outcome;
}

/** Something that watches the log and issues commands, on one instance at a time. */
export interface Reactor {
  /** Takes up the work from the present state of the cluster; called after everything up to the head has been applied. */
  start(): void;
  /** What one commit changed. */
  react(movements: readonly Movement[]): void;
  /** Starts nothing new; resolves when what was under way is settled. */
  stop(): Promise<void>;
}
