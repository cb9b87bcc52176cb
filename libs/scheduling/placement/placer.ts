import type { AllocatedResources, AllocationState, AllocMetric, JobVersion, NodeState } from '@app/domain';
import { groupNamed } from '@app/domain';
import { byName, type DurationNs } from '@app/kernel';
import type { ClusterView } from '../ports.js';
import type { GroupAsk } from './ask.js';
import { compileAsk } from './ask.js';
import type { Field } from './candidates.js';
import { fieldsOf, isCandidate } from './candidates.js';
import { infeasibility } from './feasibility.js';
import type { Bench, How, Scored } from './fit.js';
import { judge, without } from './fit.js';
import { fillIn, keepPlace } from './grant.js';
import type { Tally } from './metrics.js';
import { exhaustedResources, metricOf, newTally } from './metrics.js';
import { randomFrom } from './random.js';
import type { Room } from './room.js';
import { roomOf } from './room.js';
import { scoreMap } from './scoring.js';
import { charge, exhaustedDimension } from './slot.js';

/** Poor nodes that are passed over once in favour of the next ones. Source: spec/lifecycle §8.1. */
const MAX_SKIPPED = 3;
/** Scores told in metrics. */
const SCORES_KEPT = 5;

export interface SelectionOptions {
  /** The allocation that is being replaced, if any. */
  readonly previous: AllocationState | null;
  readonly penalised: ReadonlySet<string>;
  /** Only this node, and only if it is a candidate. */
  readonly nodeId?: string;
}

/** The node that was chosen, and has the room taken already; null when there is none. */
export interface Selection {
  readonly placed: {
    readonly node: NodeState;
    readonly resources: AllocatedResources;
    /** What has to make room. */
    readonly preempted: readonly AllocationState[];
  } | null;
  readonly metrics: AllocMetric;
}

/** Finds nodes for the groups of one job during one pass. */
export interface Placer {
  /** undefined when the version has no such group. */
  ask(version: JobVersion, group: string): GroupAsk | undefined;
  select(ask: GroupAsk, options: SelectionOptions): Selection;
  /** The resources of an allocation as the group asks for them now, if they fit where it is; null if they do not. */
  refit(ask: GroupAsk, alloc: AllocationState): AllocatedResources | null;
  /** Whether the group may run on the node of an allocation, in its place and however much room there is. */
  suits(ask: GroupAsk, alloc: AllocationState): boolean;
  /** The plan stops the allocation: its room is free for others. */
  release(alloc: AllocationState): void;
  /** The plan does not stop it after all. */
  restore(alloc: AllocationState): void;
  candidates(version: JobVersion): readonly NodeState[];
  isCandidate(version: JobVersion, node: NodeState): boolean;
  /** What was learnt about computed classes, and whether anything depended on more than the class. Source: spec/lifecycle §2.5. */
  eligibility(): { readonly classes: Record<string, boolean>; readonly escaped: boolean };
}

/** A walk round the field: each selection starts where the one before stopped looking. */
interface Round extends Bench {
  position: number;
}
interface Survey {
  readonly tally: Tally;
  readonly scored: readonly Scored[];
}

/** The same cluster, job and seed always give the same selections. Source: spec/lifecycle §8. */
export function createPlacer(
  cluster: ClusterView,
  job: { readonly namespace: string; readonly id: string; readonly seed: string },
  elapsed: () => DurationNs,
): Placer {
  const { configuration } = cluster;
  const random = randomFrom(job.seed);
  const room = roomOf(cluster, job);
  const fieldOf = fieldsOf(() => cluster.nodes(), random);
  const asks = askBook(room, configuration.memoryOversubscription ?? false);
  const round: Round = { cluster, configuration, room, random, gone: new Map(), position: 0 };

  return {
    ask: asks.ask,
    select: (request, options) => {
      const began = elapsed();
      const field = fieldOf(request.version);
      const survey = look(round, request, field, options);
      const best = bestOf(survey.scored);
      const resources = best && take(round, request, best);
      const metrics = metricOf(survey.tally, field.candidacy, scoreMeta(survey.scored), elapsed() - began);
      if (best === undefined || resources === undefined) {
        if (survey.tally.exhausted > 0) metrics.ResourcesExhausted = exhaustedResources(request.group, survey.tally);
        return { placed: null, metrics };
      }
      const preempted = best.victims.map(({ alloc }) => alloc);
      return { placed: { node: best.slot.node, resources, preempted }, metrics };
    },
    refit: (request, alloc) => {
      const node = cluster.node(alloc.nodeId);
      if (node === undefined) return null;
      const slot = room.slotFor(node);
      const fits = without(
        room,
        [alloc],
        () =>
          infeasibility(request, slot) === null && exhaustedDimension(request, slot, room.occupancyOf(slot)) === null,
      );
      return fits ? keepPlace(request.template, alloc.allocatedResources) : null;
    },
    suits: (request, alloc) => {
      const node = cluster.node(alloc.nodeId);
      if (node === undefined) return false;
      return without(room, [alloc], () => infeasibility(request, room.slotFor(node)) === null);
    },
    release: room.release,
    restore: room.restore,
    isCandidate,
    candidates: (version) => {
      const { size, nodeAt } = fieldOf(version);
      return Array.from({ length: size }, (_, position) => nodeAt(position));
    },
    eligibility: () => eligibilityOf(asks.all()),
  };
}

/** What groups ask for, compiled once for each version of the job. */
function askBook(room: Room, oversubscribes: boolean): Pick<Placer, 'ask'> & { all(): readonly GroupAsk[] } {
  interface Page {
    readonly asks: Map<string, GroupAsk>;
    readonly jobVerdicts: Map<string, boolean>;
  }
  const pages = new Map<JobVersion, Page>();
  return {
    all: () => [...pages.values()].flatMap(({ asks }) => [...asks.values()]),
    ask: (version, name) => {
      const page = pages.get(version) ?? { asks: new Map(), jobVerdicts: new Map() };
      pages.set(version, page);
      const known = page.asks.get(name);
      if (known !== undefined) return known;
      const group = groupNamed(version.spec, name);
      if (group === undefined) return undefined;
      room.countJob();
      const { jobVerdicts } = page;
      const compiled = compileAsk(version, group, { jobVerdicts, count: room.newProperty, oversubscribes });
      page.asks.set(name, compiled);
      return compiled;
    },
  };
}

/** The nodes that the group fits on; where there are none, those on which it would once others had made room, if the job may ask for that. */
function look(round: Round, request: GroupAsk, field: Field, options: SelectionOptions): Survey {
  const first = lookRound(round, request, field, options, false);
  const evicts =
    first.scored.length === 0 && first.tally.exhausted > 0 && round.configuration.preemption[request.version.spec.Type];
  const second = evicts ? lookRound(round, request, field, options, true) : first;
  // A failure is told as it was at first sight.
  return second.scored.length > 0 ? second : first;
}

function lookRound(
  round: Round,
  request: GroupAsk,
  field: Field,
  { previous, penalised, nodeId }: SelectionOptions,
  evicts: boolean,
): Survey {
  const how = { penalised, evicts, exact: nodeId !== undefined };
  const { Sticky, Migrate } = request.group.EphemeralDisk;
  const preferred = nodeId ?? (previous !== null && (Sticky || Migrate) ? previous.nodeId : undefined);
  let tally = newTally();
  let scored: Scored[] = [];
  if (preferred !== undefined) {
    const node = round.cluster.node(preferred);
    if (node !== undefined && isCandidate(request.version, node))
      scored = only(judge(round, request, round.room.slotFor(node), tally, how));
  }
  if (scored.length === 0 && nodeId === undefined) {
    tally = newTally();
    scored = survey(round, request, field, tally, how);
  }
  return { tally, scored };
}

/** The first few nodes that suit; poor ones are passed over for a while. */
function survey(round: Round, request: GroupAsk, { size, nodeAt }: Field, tally: Tally, how: How): Scored[] {
  const limit = limitOf(round, request, size);
  const scored: Scored[] = [];
  const skipped: Scored[] = [];
  for (let seen = 0; seen < size && scored.length < limit; seen++) {
    if (round.position >= size) round.position = 0;
    const result = judge(round, request, round.room.slotFor(nodeAt(round.position++)), tally, how);
    if (result === null) continue;
    if (result.scores.final <= 0 && skipped.length < MAX_SKIPPED) skipped.push(result);
    else scored.push(result);
  }
  return [...scored, ...skipped.slice(0, Math.max(0, limit - scored.length))];
}

function limitOf({ configuration }: Bench, request: GroupAsk, candidates: number): number {
  if (request.affinities.length + request.spreads.length > 0)
    return Math.max(configuration.nodeLimit, request.group.Count);
  return request.version.spec.Type === 'batch' ? 2 : Math.max(2, Math.ceil(Math.log2(candidates)));
}

/** Takes the room on the chosen node; who had to make way counts as gone from then on. */
function take({ room, gone }: Bench, request: GroupAsk, { slot, offer, victims }: Scored): AllocatedResources {
  for (const { alloc, group } of victims) {
    room.release(alloc);
    gone.set(group, (gone.get(group) ?? 0) + 1);
  }
  const resources = fillIn(request, slot, { offer, occupancy: room.occupancyOf(slot) });
  charge(slot, resources, 1);
  room.count(slot, request.group.Name);
  return resources;
}

/** The first of the highest score. */
function bestOf(scored: readonly Scored[]): Scored | undefined {
  let best = scored[0];
  for (const candidate of scored)
    if (best === undefined || candidate.scores.final > best.scores.final) best = candidate;
  return best;
}

const only = (scored: Scored | null): Scored[] => (scored === null ? [] : [scored]);

/** The best few, best first; null when no node was scored. */
function scoreMeta(scored: readonly Scored[]): AllocMetric['ScoreMetaData'] {
  if (scored.length === 0) return null;
  return scored
    .toSorted((a, b) => b.scores.final - a.scores.final)
    .slice(0, SCORES_KEPT)
    .map(({ slot, scores }) => ({ NodeID: slot.node.id, Scores: scoreMap(scores), NormScore: scores.final }));
}

function eligibilityOf(asks: readonly GroupAsk[]): { classes: Record<string, boolean>; escaped: boolean } {
  const classes = byName<boolean>();
  for (const { verdicts } of asks)
    for (const [name, verdict] of verdicts) classes[name] = (classes[name] ?? false) || verdict;
  return { classes, escaped: asks.some((ask) => ask.escaped) };
}
