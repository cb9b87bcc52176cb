import type { NodeDescription } from '@app/domain';
import type { GroupAsk } from './ask.js';
import type { NodeCheck } from './constraints.js';
import type { Slot } from './slot.js';
import { siblingsOn } from './slot.js';

const CLASS_INELIGIBLE = 'computed class ineligible';

const firstFailing = (checks: readonly NodeCheck[], node: NodeDescription): string | null =>
  checks.find((check) => !check.passes(node))?.reason ?? null;

/**
 * Why the group cannot run on a node however much room it has, in words of Nomad's metrics; null when it can. With `exact` a node is told its own
 * reason also where another of its class has been looked at before. Source: spec/lifecycle §8.2.
 */
export function infeasibility(
  ask: GroupAsk,
  slot: Pick<Slot, 'node' | 'computedClass' | 'own' | 'ownByGroup'>,
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
  if (ask.distinctHosts !== null) {
    const neighbours = ask.distinctHosts === 'job' ? slot.own : siblingsOn(slot, ask.group.Name);
    if (neighbours > 0) return 'distinct_hosts';
  }
  for (const { attribute, allowed, counts } of ask.distinctProperties) {
    const value = counts.valueOf(description);
    if (value === undefined) return `missing property "${attribute}"`;
    const used = counts.counts.get(value) ?? 0;
    if (used >= allowed) return `distinct_property: ${attribute}=${value} used by ${used} allocs`;
  }
  return null;
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
