import type { JobVersion, NodeState } from '@app/domain';
import { isReady } from '@app/domain';
import { byName } from '@app/kernel';
import { matchesDatacenter, matchesPool } from './constraints.js';
import type { Candidacy } from './metrics.js';
import { shuffled } from './random.js';

/** Ready, and in the pool and a datacenter of the job: whether a group suits it is another question. Source: spec/lifecycle §8.1. */
export const isCandidate = ({ spec }: JobVersion, node: NodeState): boolean =>
  isReady(node) &&
  matchesPool(spec.NodePool, node.description) &&
  matchesDatacenter(spec.Datacenters, node.description.Datacenter);

/** The candidates of a version, in the order in which a pass looks at them. */
export interface Field {
  readonly size: number;
  readonly nodeAt: (position: number) => NodeState;
  readonly candidacy: Candidacy;
}

/** The field of each version, found when first asked for. */
export function fieldsOf(nodes: () => readonly NodeState[], random: () => number): (version: JobVersion) => Field {
  const fields = new Map<JobVersion, Field>();
  return (version) => {
    const known = fields.get(version);
    if (known !== undefined) return known;
    const { nodes: chosen, available } = candidatesAmong(nodes(), version);
    const candidacy = { nodePool: version.spec.NodePool, inPool: chosen.length, available };
    const field: Field = { size: chosen.length, nodeAt: shuffled(chosen, random), candidacy };
    fields.set(version, field);
    return field;
  };
}

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
