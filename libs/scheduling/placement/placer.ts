import type { AllocatedResources, AllocationState, AllocMetric, JobVersion, NodeState } from '@app/domain';
import { groupNamed, isClientTerminal, isReady, isTerminal } from '@app/domain';
import { ownProperty, type DurationNs, byName, setOwnProperty } from '@app/kernel';
import type { ClusterView } from '../ports.js';
import type { GroupAsk } from './ask.js';
import { compileAsk } from './ask.js';
import { matchesDatacenter, matchesPool, resolveTarget } from './constraints.js';
import { infeasibility } from './feasibility.js';
import type { Candidacy, Tally } from './metrics.js';
import { countExhausted, countFiltered, exhaustedResources, metricOf, newTally } from './metrics.js';
import type { PortOffer } from './ports.js';
import { offerPorts } from './ports.js';
import { preemptionScore } from './preemption.js';
import { randomFrom, shuffled } from './random.js';
import type { Usage } from './resources.js';
import { NO_USAGE, sumUsage } from './resources.js';
import type { Scores } from './scoring.js';
import { scoreMap, scoreNode } from './scoring.js';
import type { Occupancy, Slot } from './slot.js';
import {
  countOwn,
  charge,
  coreSpeed,
  cpuAsked,
  exhaustedDimension,
  freeCores,
  portsOf,
  siblingsOn,
  slotOf,
  usedBy,
} from './slot.js';
import { countProperty, type PropertyCounts } from './spread.js';
import type { Victim } from './victims.js';
import { NOBODY, prioritiesOf, victimsOn } from './victims.js';

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

interface Field {
  readonly size: number;
  /** In the order of the pass. */
  readonly nodeAt: (position: number) => NodeState;
  readonly candidacy: Candidacy;
}
interface Scored {
  readonly slot: Slot;
  readonly scores: Scores;
  readonly offer: PortOffer | null;
  readonly victims: readonly Victim[];
}
interface How {
  readonly penalised: ReadonlySet<string>;
  /** Others may have to make room. */
  readonly evicts: boolean;
  /** Every node is told its own reason. */
  readonly exact: boolean;
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
  const slots = new Map<string, Slot>();
  const classes = new Map<string, string>();
  const fields = new Map<JobVersion, Field>();
  const asks = new Map<JobVersion, Map<string, GroupAsk>>();
  const released = new Map<string, Map<string, AllocationState>>();
  const properties: PropertyCounts[] = [];
  /** Evicted so far, by group. */
  const gone = new Map<string, number>();
  let counted = false;
  // Selections go round: each starts where the one before stopped looking.
  let position = 0;

  const slotFor = (node: NodeState): Slot => {
    let slot = slots.get(node.id);
    if (slot === undefined) {
      const computedClass = classes.get(node.computedClass) ?? node.computedClass;
      classes.set(computedClass, computedClass);
      slots.set(node.id, (slot = slotOf(node, computedClass)));
    }
    return slot;
  };
  const isOwn = (alloc: AllocationState): boolean => alloc.jobId === job.id && alloc.namespace === job.namespace;
  const isReleased = (alloc: AllocationState): boolean => released.get(alloc.nodeId)?.has(alloc.id) ?? false;
  const occupancyOf = ({ node }: Slot): Occupancy => {
    const stopped = released.get(node.id);
    const allocations = (): readonly AllocationState[] => {
      const live = cluster.liveAllocationsOnNode(node.id);
      return stopped === undefined ? live : live.filter((alloc) => !stopped.has(alloc.id));
    };
    const usage = (): Usage => {
      const known = cluster.usedOnNode?.(node.id);
      if (known === undefined) return sumUsage(NO_USAGE, allocations(), 1);
      return stopped === undefined
        ? known
        : sumUsage(
            known,
            [...stopped.values()].filter((alloc) => !isClientTerminal(alloc)),
            -1,
          );
    };
    return { allocations, usage };
  };

  const count = (slot: Slot, group: string, change: 1 | -1): void => {
    countOwn(slot, group, change);
    for (const property of properties) countProperty(property, slot.node.description, group, change);
  };
  const countJob = (): void => {
    if (counted) return;
    counted = true;
    for (const alloc of cluster.allocationsOfJob(job.namespace, job.id)) {
      const node = isTerminal(alloc) || isReleased(alloc) ? undefined : cluster.node(alloc.nodeId);
      if (node !== undefined) count(slotFor(node), alloc.taskGroup, 1);
    }
  };
  const newProperty = (attribute: string, group: string | null): PropertyCounts => {
    const property: PropertyCounts = { group, valueOf: resolveTarget(attribute), counts: new Map() };
    for (const slot of slots.values()) {
      for (const own of slot.ownByGroup) countProperty(property, slot.node.description, own.group, own.count);
    }
    properties.push(property);
    return property;
  };

  const fieldOf = (version: JobVersion): Field => {
    const known = fields.get(version);
    if (known !== undefined) return known;
    const { nodes, available } = candidatesAmong(cluster.nodes(), version);
    const candidacy = { nodePool: version.spec.NodePool, inPool: nodes.length, available };
    const field: Field = { size: nodes.length, nodeAt: shuffled(nodes, random), candidacy };
    fields.set(version, field);
    return field;
  };

  const jobVerdicts = new Map<JobVersion, Map<string, boolean>>();
  const ask = (version: JobVersion, name: string): GroupAsk | undefined => {
    const ofVersion = asks.get(version) ?? new Map<string, GroupAsk>();
    asks.set(version, ofVersion);
    const known = ofVersion.get(name);
    if (known !== undefined) return known;
    const group = groupNamed(version.spec, name);
    if (group === undefined) return undefined;
    countJob();
    const verdicts = jobVerdicts.get(version) ?? new Map<string, boolean>();
    jobVerdicts.set(version, verdicts);
    const compiled = compileAsk(version, group, {
      jobVerdicts: verdicts,
      count: newProperty,
      oversubscribes: configuration.memoryOversubscription ?? false,
    });
    ofVersion.set(name, compiled);
    return compiled;
  };

  /** Scores a node for a group that suits it, or tells what there is too little of. The victims are thought away already. */
  const fit = (
    request: GroupAsk,
    slot: Slot,
    penalised: ReadonlySet<string>,
    victims: readonly Victim[],
  ): Scored | string => {
    const occupancy = occupancyOf(slot);
    let offer: PortOffer | null = null;
    if (request.networks.length > 0) {
      offer = offerPorts(request.networks, slot.node.description, portsOf(slot, occupancy), random);
      if (offer.kind === 'refused') return offer.reason;
    }
    const dimension = exhaustedDimension(request, slot, occupancy);
    if (dimension !== null) return dimension;
    const used = usedBy(slot, occupancy);
    const input = {
      node: slot.node,
      freeCpu: 1 - (used.cpu + cpuAsked(request, slot)) / slot.cpu,
      freeMemory: 1 - (used.memory + request.usage.memory) / slot.memory,
      siblings: siblingsOn(slot, request.group.Name),
      penalised: penalised.size > 0 && penalised.has(slot.node.id),
      preemption: victims.length === 0 ? 0 : preemptionScore(prioritiesOf(victims)),
    };
    return { slot, scores: scoreNode(request, input, configuration.algorithm), offer, victims };
  };

  const fitByEviction = (request: GroupAsk, slot: Slot, penalised: ReadonlySet<string>): Scored | string => {
    const victims = victimsOn(request, slot, occupancyOf(slot), { cluster, gone: (group) => gone.get(group) ?? 0 });
    for (const { alloc } of victims) release(alloc);
    const found = fit(request, slot, penalised, victims);
    for (const { alloc } of victims) restore(alloc);
    return found;
  };

  /** Looks at one node. Counts it as filtered or exhausted, or scores it. */
  const judge = (request: GroupAsk, slot: Slot, tally: Tally, { penalised, evicts, exact }: How): Scored | null => {
    tally.evaluated++;
    const reason = infeasibility(request, slot, exact);
    if (reason !== null) {
      countFiltered(tally, slot.node, reason);
      return null;
    }
    const found = evicts ? fitByEviction(request, slot, penalised) : fit(request, slot, penalised, NOBODY);
    if (typeof found !== 'string') return found;
    countExhausted(tally, slot.node, found);
    return null;
  };

  /** Takes the best of the first few nodes that suit. */
  const survey = (request: GroupAsk, { size, nodeAt }: Field, limit: number, tally: Tally, how: How): Scored[] => {
    const scored: Scored[] = [];
    const skipped: Scored[] = [];
    for (let seen = 0; seen < size && scored.length < limit; seen++) {
      if (position >= size) position = 0;
      const result = judge(request, slotFor(nodeAt(position++)), tally, how);
      if (result === null) continue;
      if (result.scores.final <= 0 && skipped.length < MAX_SKIPPED) skipped.push(result);
      else scored.push(result);
    }
    return [...scored, ...skipped.slice(0, Math.max(0, limit - scored.length))];
  };

  const limitOf = (request: GroupAsk, candidates: number): number => {
    if (request.affinities.length + request.spreads.length > 0)
      return Math.max(configuration.nodeLimit, request.group.Count);
    return request.version.spec.Type === 'batch' ? 2 : Math.max(2, Math.ceil(Math.log2(candidates)));
  };

  const take = (request: GroupAsk, { slot, offer, victims }: Scored): AllocatedResources => {
    for (const { alloc, group } of victims) {
      release(alloc);
      gone.set(group, (gone.get(group) ?? 0) + 1);
    }
    const resources = fillIn(request, slot, { offer, occupancy: occupancyOf(slot) });
    charge(slot, resources, 1);
    count(slot, request.group.Name, 1);
    return resources;
  };

  /** The nodes that the group fits on, or would once others had made room. */
  const lookRound = (
    request: GroupAsk,
    field: Field,
    { previous, penalised, nodeId }: SelectionOptions,
    evicts: boolean,
  ): Survey => {
    const how = { penalised, evicts, exact: nodeId !== undefined };
    const { Sticky, Migrate } = request.group.EphemeralDisk;
    const preferred = nodeId ?? (previous !== null && (Sticky || Migrate) ? previous.nodeId : undefined);
    let tally = newTally();
    let scored: Scored[] = [];
    if (preferred !== undefined) {
      const node = cluster.node(preferred);
      if (node !== undefined && isCandidate(request.version, node))
        scored = only(judge(request, slotFor(node), tally, how));
    }
    if (scored.length === 0 && nodeId === undefined) {
      tally = newTally();
      scored = survey(request, field, limitOf(request, field.size), tally, how);
    }
    return { tally, scored };
  };

  const select: Placer['select'] = (request, options) => {
    const began = elapsed();
    const field = fieldOf(request.version);
    const first = lookRound(request, field, options, false);
    const evicts =
      first.scored.length === 0 && first.tally.exhausted > 0 && configuration.preemption[request.version.spec.Type];
    const second = evicts ? lookRound(request, field, options, true) : first;
    // A failure is told as it was at first sight.
    const { tally, scored } = second.scored.length > 0 ? second : first;
    let best = scored[0];
    for (const candidate of scored)
      if (best === undefined || candidate.scores.final > best.scores.final) best = candidate;
    const resources = best && take(request, best);
    const metrics = metricOf(tally, field.candidacy, scoreMeta(scored), elapsed() - began);
    if (best === undefined || resources === undefined) {
      if (tally.exhausted > 0) metrics.ResourcesExhausted = exhaustedResources(request.group, tally);
      return { placed: null, metrics };
    }
    return { placed: { node: best.slot.node, resources, preempted: best.victims.map(({ alloc }) => alloc) }, metrics };
  };

  const release = (alloc: AllocationState): void => {
    if (isReleased(alloc)) return;
    const ofNode = released.get(alloc.nodeId) ?? new Map<string, AllocationState>();
    released.set(alloc.nodeId, ofNode.set(alloc.id, alloc));
    recharge(alloc, -1);
  };
  const restore = (alloc: AllocationState): void => {
    if (released.get(alloc.nodeId)?.delete(alloc.id)) recharge(alloc, 1);
  };
  const recharge = (alloc: AllocationState, sign: 1 | -1): void => {
    const slot = slots.get(alloc.nodeId);
    if (slot === undefined) return;
    if (!isClientTerminal(alloc)) charge(slot, alloc.allocatedResources, sign);
    if (counted && isOwn(alloc) && !isTerminal(alloc)) count(slot, alloc.taskGroup, sign);
  };

  const refit: Placer['refit'] = (request, alloc) => {
    const node = cluster.node(alloc.nodeId);
    if (node === undefined) return null;
    const slot = slotFor(node);
    release(alloc);
    const fits = infeasibility(request, slot) === null && exhaustedDimension(request, slot, occupancyOf(slot)) === null;
    restore(alloc);
    return fits ? keepPlace(request.template, alloc.allocatedResources) : null;
  };

  const suits: Placer['suits'] = (request, alloc) => {
    const node = cluster.node(alloc.nodeId);
    if (node === undefined) return false;
    release(alloc);
    const reason = infeasibility(request, slotFor(node));
    restore(alloc);
    return reason === null;
  };

  return {
    ask,
    select,
    refit,
    suits,
    release,
    restore,
    isCandidate,
    candidates: (version) => {
      const { size, nodeAt } = fieldOf(version);
      return Array.from({ length: size }, (_, position) => nodeAt(position));
    },
    eligibility: () => eligibilityOf([...asks.values()].flatMap((ofVersion) => [...ofVersion.values()])),
  };
}

const isCandidate = ({ spec }: JobVersion, node: NodeState): boolean =>
  isReady(node) &&
  matchesPool(spec.NodePool, node.description) &&
  matchesDatacenter(spec.Datacenters, node.description.Datacenter);

interface Candidates {
  readonly nodes: readonly NodeState[];
  /** By datacenter. */
  readonly available: Readonly<Record<string, number>>;
}

/** By the list of nodes, and pool and datacenters that are asked for. On thousands of nodes finding them costs more than the rest of a pass. */
const found = new WeakMap<readonly NodeState[], Map<string, Candidates>>();

function candidatesAmong(nodes: readonly NodeState[], version: JobVersion): Candidates {
  const ofNodes = found.get(nodes) ?? new Map<string, Candidates>();
  found.set(nodes, ofNodes);
  const key = JSON.stringify([version.spec.NodePool, version.spec.Datacenters]);
  const known = ofNodes.get(key);
  if (known !== undefined) return known;
  const available = byName<number>();
  const chosen = nodes.filter((node) => isCandidate(version, node));
  for (const { description } of chosen)
    available[description.Datacenter] = (available[description.Datacenter] ?? 0) + 1;
  const candidates = { nodes: chosen, available };
  ofNodes.set(key, candidates);
  return candidates;
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

/** The group's resources with the ports and cores of this node. Without either they are the same object for all allocations of a pass. */
function fillIn(
  { template, group, cores }: GroupAsk,
  slot: Slot,
  { offer, occupancy }: { readonly offer: PortOffer | null; readonly occupancy: Occupancy },
): AllocatedResources {
  let resources = template;
  if (offer?.kind === 'offered') {
    resources = { ...resources, Shared: { ...resources.Shared, Networks: offer.networks, Ports: offer.ports } };
  }
  if (cores === 0) return resources;
  const free = [...freeCores(slot, occupancy)];
  const tasks = { ...resources.Tasks };
  for (const { Name, Resources } of group.Tasks) {
    const task = ownProperty(tasks, Name);
    if (task === undefined || Resources.Cores === 0) continue;
    const ReservedCores = free.splice(0, Resources.Cores);
    const reserved = { ...task, Cpu: { CpuShares: Resources.Cores * coreSpeed(slot), ReservedCores } };
    setOwnProperty(tasks, Name, reserved);
  }
  return { ...resources, Tasks: tasks };
}

/** New figures, with the ports, networks and cores that the allocation has. */
function keepPlace(template: AllocatedResources, present: AllocatedResources): AllocatedResources {
  const tasks = Object.entries(template.Tasks).map(([name, task]) => {
    const former = ownProperty(present.Tasks, name);
    if (former === undefined) return [name, task] as const;
    const Cpu = former.Cpu.ReservedCores === null ? task.Cpu : former.Cpu;
    return [name, { ...task, Cpu, Networks: former.Networks, Devices: former.Devices }] as const;
  });
  const { Networks, Ports } = present.Shared;
  return { ...template, Tasks: Object.fromEntries(tasks), Shared: { ...template.Shared, Networks, Ports } };
}

function eligibilityOf(asks: readonly GroupAsk[]): { classes: Record<string, boolean>; escaped: boolean } {
  const classes = byName<boolean>();
  for (const { verdicts } of asks)
    for (const [name, verdict] of verdicts) classes[name] = (classes[name] ?? false) || verdict;
  return { classes, escaped: asks.some((ask) => ask.escaped) };
}
