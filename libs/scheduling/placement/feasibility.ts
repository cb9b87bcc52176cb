import type { NodeDescription } from '@app/domain';
import type { GroupAsk } from './ask.js';
import type { NodeCheck } from './constraints.js';
import type { Slot } from './slot.js';
import { siblingsOn } from './slot.js';

const CLASS_INELIGIBLE = 'computed class ineligible';
const DISTINCT_HOSTS = 'distinct_hosts';

type NodeAndOwn = Pick<Slot, 'node' | 'own' | 'ownByGroup'>;

const firstFailing = (checks: readonly NodeCheck[], node: NodeDescription): string | null =>
  checks.find((check) => !check.passes(node))?.reason ?? null;

/**
 * Why the group cannot run on a node however much room it has, in words of Nomad's metrics; null when it can. With `exact` a node is told its own
 * reason also where another of its class has been looked at before. Source: spec/lifecycle §8.2.
 */
export function infeasibility(
  ask: GroupAsk,
  slot: NodeAndOwn & Pick<Slot, 'computedClass'>,
  exact = false,
): string | null {
  const { computedClass } = slot;
  const { description } = slot.node;
  const known = ask.escaped ? undefined : ask.verdicts.get(computedClass);
  const ownReason = (): string | null => firstFailing([...ask.jobChecks, ...ask.groupChecks], description);
  if (known === false) return (exact ? ownReason() : null) ?? CLASS_INELIGIBLE;
  if (known === undefined) {
    const reason = ask.escaped ? ownReason() : judgeClass(ask, slot);
    if (reason !== null) return reason;
  }
  if (ask.nodeChecks.length > 0) {
    const reason = firstFailing(ask.nodeChecks, description);
    if (reason !== null) return reason;
  }
  if (hasNeighbours(ask, slot)) return DISTINCT_HOSTS;
  for (const property of ask.distinctProperties) {
    const reason = propertyReason(property, description);
    if (reason !== null) return reason;
  }
  return null;
}

/** All reasons for which a node is told that the group cannot run on it, in the order of {@link infeasibility}. */
export function infeasibilities(ask: GroupAsk, slot: NodeAndOwn): string[] {
  const { description } = slot.node;
  const checks = [...ask.jobChecks, ...ask.groupChecks, ...ask.nodeChecks];
  const reasons = [
    ...checks.filter((check) => !check.passes(description)).map(({ reason }) => reason),
    ...(hasNeighbours(ask, slot) ? [DISTINCT_HOSTS] : []),
    ...ask.distinctProperties.flatMap((property) => propertyReason(property, description) ?? []),
  ];
  return [...new Set(reasons)];
}

function hasNeighbours({ distinctHosts, group }: GroupAsk, slot: NodeAndOwn): boolean {
  if (distinctHosts === null) return false;
  return (distinctHosts === 'job' ? slot.own : siblingsOn(slot, group.Name)) > 0;
}

function propertyReason(
  { attribute, allowed, counts }: GroupAsk['distinctProperties'][number],
  node: NodeDescription,
): string | null {
  const value = counts.valueOf(node);
  if (value === undefined) return `missing property "${attribute}"`;
  const used = counts.counts.get(value) ?? 0;
  return used >= allowed ? `distinct_property: ${attribute}=${value} used by ${used} allocs` : null;
}

/** The first node of a class speaks for all of them. */
function judgeClass(
  ask: GroupAsk,
  { node: { description }, computedClass }: Pick<Slot, 'node' | 'computedClass'>,
): string | null {
  const ofJob = ask.jobVerdicts.get(computedClass);
  const jobReason = ofJob === undefined ? firstFailing(ask.jobChecks, description) : ofJob ? null : CLASS_INELIGIBLE;
  ask.jobVerdicts.set(computedClass, jobReason === null);
  const reason = jobReason ?? firstFailing(ask.groupChecks, description);
  ask.verdicts.set(computedClass, reason === null);
  return reason;
}
