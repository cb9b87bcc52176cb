import { completeDrain, drainAllocations, type NodeState } from '@app/domain';
import {
  allocationStream,
  nodeStream,
  streamType,
  US_PER_MS,
  type CommandContext,
  type Decision,
  type StateView,
  type StreamName,
} from '@app/kernel';
import type { Movement } from './cluster-state.js';
import { drainStep, nextDrainDeadline, type DrainStep } from './drainer-rules.js';
import type { Reactor, ReactorContext } from './reactor.js';

/** What changes about allocations comes in bursts. */
const COALESCE_MS = 100;
const RETRY_MS = 1000;
const MAX_SLEEP_MS = 60_000;

/** Moves allocations away from nodes that drain, and ends the drains. spec/lifecycle §9.2. One look at a time; deadlines are in the nodes' states. */
export class Drainer implements Reactor {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private again = false;
  /** The timer that is set is one of a change, not of a deadline. */
  private soon = false;
  private running = false;
  private known: readonly NodeState[] = [];
  private drains: readonly NodeState[] = [];

  constructor(private readonly context: ReactorContext) {}

  start(): void {
    this.running = true;
    this.lookSoon(0);
  }

  async stop(): Promise<void> {
    this.running = false;
    clearTimeout(this.timer);
    await this.looking;
  }

  react(movements: readonly Movement[]): void {
    if (!this.running || !movements.some(({ stream }) => ['node', 'allocation', 'job'].includes(streamType(stream))))
      return;
    if (this.draining().length > 0) this.lookSoon(COALESCE_MS);
  }

  private draining(): readonly NodeState[] {
    // The list is the same object for as long as no node changes.
    const nodes = this.context.cluster.nodes();
    if (nodes !== this.known) {
      this.known = nodes;
      this.drains = nodes.filter((node) => node.drain !== null);
    }
    return this.drains;
  }

  /** The timer that is set is kept unless this one is earlier: a steady stream of changes must not put the look off for ever. */
  private lookSoon(ms: number): void {
    if (this.looking !== undefined) {
      this.again = true;
      return;
    }
    if (this.timer !== undefined && ms >= COALESCE_MS && this.soon) return;
    clearTimeout(this.timer);
    this.soon = ms <= COALESCE_MS;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.looking = this.look()
        .catch((error: unknown) => {
          this.context.onError(error);
          return RETRY_MS;
        })
        .then((next) => {
          this.looking = undefined;
          if (!this.running) return;
          if (this.again) this.lookSoon(COALESCE_MS);
          else if (next !== undefined) this.lookSoon(next);
        });
    }, ms);
  }

  /** Returns after how many milliseconds to look again if nothing moves before. */
  private async look(): Promise<number | undefined> {
    this.again = false;
    const { cluster, now } = this.context;
    const nodes = this.draining();
    // One moment for the whole look: a deadline that passes while it goes on is one that is still ahead of it.
    const moment = now();
    const promised = new Set<string>();
    const steps: [NodeState, DrainStep][] = [];
    for (const node of nodes) {
      const step = drainStep(cluster, node, moment, promised);
      for (const { allocationId } of step.drained) promised.add(allocationId);
      steps.push([node, step]);
    }
    for (const [node, step] of steps) await this.take(node, step);
    const deadline = nextDrainDeadline(nodes, moment);
    return deadline === undefined
      ? undefined
      : Math.min(MAX_SLEEP_MS, Math.max(1, Math.ceil((deadline - now()) / US_PER_MS)));
  }

  private async take(node: NodeState, { drained, done, deadlineReached }: DrainStep): Promise<void> {
    const { drain } = node;
    if (drain === null) return;
    if (drained.length > 0)
      await this.command(
        'DrainAllocations',
        node,
        (view, context) => drainAllocations(view, context, { drained }),
        drained.map(({ allocationId }) => allocationStream(allocationId)),
      );
    else if (done) {
      const command = { nodeId: node.id, drain, deadlineReached };
      await this.command('CompleteDrain', node, (view, context) => completeDrain(view, context, command));
    }
  }

  /** Returns when the cluster shows what was done. */
  private async command(
    name: string,
    node: NodeState,
    decide: (view: StateView, context: CommandContext) => Decision,
    reads: readonly StreamName[] = [],
  ): Promise<void> {
    const outcome = await this.context.execute(name, decide, node.id, [nodeStream(node.id), ...reads]);
    if (outcome.kind === 'accepted') await this.context.reached(outcome.index);
    else if (outcome.kind !== 'fenced') throw new Error(`${name} for node ${node.id} was not taken: ${outcome.kind}`);
  }
}
