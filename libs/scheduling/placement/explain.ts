import {
  currentVersion,
  isTerminal,
  MAX_FITS,
  type GroupExplanation,
  type NodeState,
  type NodeVerdict,
  type PlacementExplanation,
  type Room,
} from '@app/domain';
import type { ClusterView } from '../ports.js';
import type { GroupAsk } from './ask.js';
import { compileAsk } from './ask.js';
import { matchesDatacenter, matchesPool, resolveTarget } from './constraints.js';
import { infeasibilities } from './feasibility.js';
import { offerPorts } from './ports.js';
import { randomFrom } from './random.js';
import { occupancyOn } from './room.js';
import type { Slot } from './slot.js';
import { countOwn, cpuAsked, freeCores, portsOf, shortage, slotOf, usedBy } from './slot.js';
import { countProperty, type PropertyCounts } from './spread.js';

/** Nodes times groups that are looked at; beyond it only the first nodes are. */
const MAX_LOOKS = 20_000;
/** Nodes that are told of each group. */
const MAX_TOLD = 500;

/**
 * What every node says to one more allocation of each group of a job's current version: all the rules that a scheduler would hold against it,
 * where a scheduler stops at the first, and how much room there is. Nothing is preempted. undefined: there is no such job.
 *
 * @param groups only these; all if it is undefined
 */
export function explainPlacement(
  cluster: ClusterView,
  job: { readonly namespace: string; readonly id: string },
  groups?: ReadonlySet<string>,
): PlacementExplanation | undefined {
  const version = currentVersion(cluster.job(job.namespace, job.id));
  if (version === undefined) return undefined;
  const nodes = cluster.nodes().filter(({ purged }) => !purged);
  const chosen = version.spec.TaskGroups.filter(({ Name }) => groups === undefined || groups.has(Name));
  const looked = nodes.slice(0, Math.floor(MAX_LOOKS / Math.max(1, chosen.length)));
  const slots = new Map(looked.map((node) => [node.id, slotOf(node, node.computedClass)]));
  const properties: PropertyCounts[] = [];
  const asks = chosen.map((group) =>
    compileAsk(version, group, {
      jobVerdicts: new Map(),
      count: (attribute, ofGroup) => {
        const property = { group: ofGroup, valueOf: resolveTarget(attribute), counts: new Map<string, number>() };
        properties.push(property);
        return property;
      },
      oversubscribes: cluster.configuration.memoryOversubscription ?? false,
    }),
  );
  for (const alloc of cluster.allocationsOfJob(job.namespace, job.id)) {
    const node = isTerminal(alloc) ? undefined : cluster.node(alloc.nodeId);
    if (node === undefined) continue;
    const slot = slots.get(node.id);
    if (slot !== undefined) countOwn(slot, alloc.taskGroup, 1);
    for (const property of properties) countProperty(property, node.description, alloc.taskGroup, 1);
  }
  return {
    version,
    groups: asks.map((ask) => explainGroup(cluster, ask, [...slots.values()])),
    nodes: nodes.length,
    judged: looked.length,
  };
}

function explainGroup(cluster: ClusterView, ask: GroupAsk, slots: readonly Slot[]): GroupExplanation {
  const random = randomFrom(ask.group.Name);
  const judged = slots.map((slot) => judge(cluster, ask, slot, random));
  const reasons = new Map<string, number>();
  for (const { verdict } of judged)
    for (const reason of verdict.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const roomy = judged.filter(({ suits }) => suits).map(({ verdict }) => verdict.free);
  return {
    group: ask.group.Name,
    count: ask.group.Count,
    asks: { cpu: ask.usage.cpu, memory: ask.usage.memory, disk: ask.usage.disk, cores: ask.cores },
    verdicts: judged
      .map(({ verdict }) => verdict)
      .sort((a, b) => a.reasons.length - b.reasons.length)
      .slice(0, MAX_TOLD),
    reasons,
    fitting: judged.filter(({ verdict }) => verdict.fits > 0).length,
    wouldFit: roomy.reduce<Room | null>((most, free) => (most === null || isRoomier(free, most) ? free : most), null),
  };
}

/** Memory is what mostly is scarce; cpu decides between equals. */
const isRoomier = (a: Room, b: Room): boolean => (a.memory === b.memory ? a.cpu > b.cpu : a.memory > b.memory);

interface Judged {
  readonly verdict: NodeVerdict;
  /** But for room. */
  readonly suits: boolean;
}

function judge(cluster: ClusterView, ask: GroupAsk, slot: Slot, random: () => number): Judged {
  const { node } = slot;
  const occupancy = occupancyOn(cluster, node.id);
  const rules = [...candidacyOf(ask, node), ...infeasibilities(ask, slot)];
  const lacks = shortage(ask, slot, occupancy);
  const ports =
    ask.networks.length === 0
      ? undefined
      : offerPorts(ask.networks, node.description, portsOf(slot, occupancy), random);
  const room = [
    ...(ports?.kind === 'refused' ? [ports.reason] : []),
    ...(['cores', 'cpu', 'memory', 'disk'] as const).filter((dimension) => lacks[dimension] > 0),
  ];
  const used = usedBy(slot, occupancy);
  const free: Room = {
    cpu: slot.cpu - used.cpu,
    memory: slot.memory - used.memory,
    disk: slot.disk - used.disk,
    cores: freeCores(slot, occupancy).length,
  };
  const reasons = [...rules, ...room];
  const fits = reasons.length === 0 ? countFits(ask, slot, free) : 0;
  return { verdict: { node, reasons, free, lacks, fits }, suits: rules.length === 0 };
}

/** Why a scheduler would not even look at a node. */
function candidacyOf({ version: { spec } }: GroupAsk, node: NodeState): string[] {
  return [
    ...(node.status === 'ready' ? [] : [`node is ${node.status}`]),
    ...(node.drain === null ? [] : ['node is draining']),
    ...(node.drain !== null || node.eligibility === 'eligible' ? [] : ['node is not eligible']),
    ...(matchesPool(spec.NodePool, node.description) ? [] : [`node pool is ${node.description.NodePool}`]),
    ...(matchesDatacenter(spec.Datacenters, node.description.Datacenter)
      ? []
      : [`datacenter is ${node.description.Datacenter}`]),
  ];
}

/** One fits; how many would? */
function countFits(ask: GroupAsk, slot: Slot, free: Room): number {
  const times = (there: number, asked: number): number => (asked <= 0 ? MAX_FITS : Math.floor(there / asked));
  const hasStaticPort = ask.networks.some(({ ReservedPorts }) => (ReservedPorts?.length ?? 0) > 0);
  const left = ask.distinctProperties.map(
    ({ allowed, counts }) => allowed - (counts.counts.get(counts.valueOf(slot.node.description) ?? '') ?? 0),
  );
  return Math.min(
    MAX_FITS,
    times(free.cpu, cpuAsked(ask, slot)),
    times(free.memory, ask.usage.memory),
    times(free.disk, ask.usage.disk),
    times(free.cores, ask.cores),
    ...(ask.distinctHosts !== null || hasStaticPort ? [1] : []),
    ...left,
  );
}
