import { computedClass, heartbeatNode, registerNode } from '@app/domain';
import type { BulkWriter } from '@app/event-store';
import type { TimeUs } from '@app/kernel';
import { chanceOf, type Chance } from './chance.js';
import { JobStory, type Step, type Story, type Told } from './job-story.js';
import { nodeOf } from './specs.js';

export interface HistorySize {
  readonly allocs: number;
  readonly deployments: number;
  readonly jobs: number;
  readonly nodes: number;
}

export interface HistoryOptions extends HistorySize {
  readonly seed: number;
  /** The history ends about then. */
  readonly until: TimeUs;
  readonly onProgress: (done: { readonly commits: number; readonly jobs: number }) => void;
}

/** Jobs whose stories go on at the same time: what they read stays in memory. */
const AT_ONCE = 16;
const SPAN_US = 90 * 86_400 * 1_000_000;
/** Between two commits at least, so that no two have the same time. */
const TICK_US = 1_000;
const TEAMS = ['shop', 'search', 'billing', 'media', 'infra', 'data'];

/** What some years of rollouts leave in a ledger, the same for the same size and seed. @throws what the writer throws */
export async function writeHistory(
  writer: Pick<BulkWriter, 'execute' | 'finish'>,
  options: HistoryOptions,
): Promise<void> {
  const chance = chanceOf(options.seed);
  const teller = new Teller(writer, chance, options);
  const nodes = await teller.nodes();
  await teller.jobs(nodes);
  await writer.finish();
}

class Teller {
  private now: TimeUs;
  private commits = 0;
  private jobsTold = 0;

  constructor(
    private readonly writer: Pick<BulkWriter, 'execute' | 'finish'>,
    private readonly chance: Chance,
    private readonly options: HistoryOptions,
  ) {
    this.now = options.until - SPAN_US;
  }

  async nodes(): Promise<{ id: string; name: string }[]> {
    const nodes: { id: string; name: string }[] = [];
    for (let number = 0; number < this.options.nodes; number++) {
      const description = nodeOf(this.chance.uuid(), number);
      const { ID: nodeId, Name: name } = description;
      nodes.push({ id: nodeId, name });
      const meta = { actor: `node ${nodeId}` };
      const secretDigest = this.chance.uuid();
      await this.commit({
        meta,
        decide: (view, context) =>
          registerNode(view, context, {
            ...{ description, secretDigest },
            computedClass: computedClass(description),
            affected: [],
          }),
      });
      await this.commit({
        meta,
        decide: (view, context) => heartbeatNode(view, context, { nodeId, affected: [], hasLiveAllocations: false }),
      });
    }
    return nodes;
  }

  async jobs(nodes: readonly { readonly id: string; readonly name: string }[]): Promise<void> {
    const { jobs, until } = this.options;
    const begin = this.now;
    const going: { story: Story; told: Told | undefined }[] = [];
    for (let next = 0; next < jobs || going.length > 0;) {
      while (next < jobs && going.length < AT_ONCE) going.push({ story: this.story(next++, nodes), told: undefined });
      const at = this.chance.below(going.length);
      const one = going[at]!;
      const { value, done } = one.told === undefined ? one.story.next() : one.story.next(one.told);
      if (done) {
        going.splice(at, 1);
        this.jobsTold++;
        // Spread over the time: as much of it has passed as of the jobs.
        this.now = Math.max(this.now, begin + Math.floor(((until - begin) * this.jobsTold) / jobs));
      } else one.told = await this.commit(value);
    }
  }

  private story(number: number, nodes: readonly { readonly id: string; readonly name: string }[]): Story {
    const { allocs, deployments, jobs } = this.options;
    const share = (total: number): number =>
      Math.floor((total * (number + 1)) / jobs) - Math.floor((total * number) / jobs);
    const id = `${TEAMS[number % TEAMS.length]}-${String(number).padStart(5, '0')}-s${this.options.seed}`;
    const { chance } = this;
    return new JobStory({ id, versions: share(deployments), allocations: share(allocs), nodes, chance }).tell();
  }

  private async commit({ meta, decide }: Step): Promise<Told> {
    this.now += TICK_US + this.chance.below(TICK_US);
    const ids: string[] = [];
    const now = this.now;
    // A decision that has to be made again, once what it reads is loaded, gets the same ids.
    const answer = await this.writer.execute({
      meta,
      decide: (view, context) => {
        let drawn = 0;
        const newId = (): string => (ids[drawn++] ??= this.chance.uuid());
        return decide(view, { ...context, newId });
      },
      context: { now, newId: () => this.chance.uuid() },
    });
    if (++this.commits % 1000 === 0) this.options.onProgress({ commits: this.commits, jobs: this.jobsTold });
    return { answer, ids };
  }
}
