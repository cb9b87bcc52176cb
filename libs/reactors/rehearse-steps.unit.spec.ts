import { canonicalizeInSteps, jobDiffInSteps, validateInSteps } from '@app/domain';
import type { Steps } from '@app/kernel';
import { jobInput } from '@app/testing';
import { ClusterState } from './cluster-state.js';
import { rehearseInSteps } from './rehearse.js';

const GROUPS = 200;
const DEFAULTS = { region: 'global', namespace: 'default', nodePool: 'default' };

function counted<T>(steps: Steps<T>): { readonly count: number; readonly value: T } {
  for (let count = 0; ; count++) {
    const { done, value } = steps.next();
    if (done === true) return { count, value };
  }
}

test('Whatever is done with a job of many groups stops after each of them', () => {
  const [group] = (jobInput() as { TaskGroups: object[] }).TaskGroups;
  const input = { ...jobInput(), TaskGroups: Array.from({ length: GROUPS }, (_, n) => ({ ...group, Name: `g${n}` })) };
  const { count, value: spec } = counted(canonicalizeInSteps(input, DEFAULTS));
  let ids = 0;
  const newId = (): string => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`;
  const counts = {
    canonicalize: count,
    validate: counted(validateInSteps(spec)).count,
    diff: counted(jobDiffInSteps(null, spec)).count,
    plan: counted(rehearseInSteps(new ClusterState(), spec, { now: 1, newId, elapsed: () => 0 })).count,
  };
  for (const [what, steps] of Object.entries(counts)) expect([what, steps >= GROUPS]).toEqual([what, true]);
});
