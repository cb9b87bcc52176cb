import type { AllocationState, SchedulerConfiguration } from '@app/domain';
import type { ClusterView } from '../ports.js';
import type { GroupAsk } from './ask.js';
import { infeasibility } from './feasibility.js';
import type { Tally } from './metrics.js';
import { countExhausted, countFiltered } from './metrics.js';
import type { PortOffer } from './ports.js';
import { offerPorts } from './ports.js';
import { preemptionScore } from './preemption.js';
import type { Room } from './room.js';
import type { Scores } from './scoring.js';
import { scoreNode } from './scoring.js';
import type { Slot } from './slot.js';
import { cpuAsked, exhaustedDimension, portsOf, siblingsOn, usedBy } from './slot.js';
import type { Victim } from './victims.js';
import { NOBODY, prioritiesOf, victimsOn } from './victims.js';

/** A node on which a group has room, how good it is, and what that takes. */
export interface Scored {
  readonly slot: Slot;
  readonly scores: Scores;
  readonly offer: PortOffer | null;
  readonly victims: readonly Victim[];
}

/** How nodes are looked at. */
export interface How {
  readonly penalised: ReadonlySet<string>;
  /** Others may have to make room. */
  readonly evicts: boolean;
  /** Every node is told its own reason. */
  readonly exact: boolean;
}

/** What judging a node depends on. */
export interface Bench {
  readonly cluster: ClusterView;
  readonly configuration: SchedulerConfiguration;
  readonly room: Room;
  readonly random: () => number;
  /** Evicted so far, by group. */
  readonly gone: Map<string, number>;
}

/** Looks at one node. Counts it as filtered or exhausted, or scores it. */
export function judge(
  bench: Bench,
  request: GroupAsk,
  slot: Slot,
  tally: Tally,
  { penalised, evicts, exact }: How,
): Scored | null {
  tally.evaluated++;
  const reason = infeasibility(request, slot, exact);
  if (reason !== null) {
    countFiltered(tally, slot.node, reason);
    return null;
  }
  const found = evicts ? fitByEviction(bench, request, slot, penalised) : fit(bench, request, slot, penalised, NOBODY);
  if (typeof found !== 'string') return found;
  countExhausted(tally, slot.node, found);
  return null;
}

/** Scores a node for a group that suits it, or tells what there is too little of. The victims are thought away already. */
function fit(
  { configuration, room, random }: Bench,
  request: GroupAsk,
  slot: Slot,
  penalised: ReadonlySet<string>,
  victims: readonly Victim[],
): Scored | string {
  const occupancy = room.occupancyOf(slot);
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
}

function fitByEviction(bench: Bench, request: GroupAsk, slot: Slot, penalised: ReadonlySet<string>): Scored | string {
  const { cluster, room, gone } = bench;
  const victims = victimsOn(request, slot, room.occupancyOf(slot), { cluster, gone: (group) => gone.get(group) ?? 0 });
  return without(
    room,
    victims.map(({ alloc }) => alloc),
    () => fit(bench, request, slot, penalised, victims),
  );
}

/** What `look` finds with these allocations thought away. */
export function without<T>(room: Room, allocations: readonly AllocationState[], look: () => T): T {
  for (const alloc of allocations) room.release(alloc);
  const found = look();
  for (const alloc of allocations) room.restore(alloc);
  return found;
}
