import type { JobSpec } from '../nomad.js';
import { withPolicyIds, withPolicyIndexes } from './scaling-blocks.js';
import { canonicalize, specChanged } from './spec/index.js';

const job = (scaling: object | null): JobSpec =>
  canonicalize(
    { ID: 'a', TaskGroups: [{ Name: 'g', Count: 2, Scaling: scaling, Tasks: [] }] },
    { region: 'global', namespace: 'default', nodePool: 'default' },
  );
const policyOf = (spec: JobSpec) => spec.TaskGroups[0]?.Scaling;
const stored = (scaling: object | null, before: JobSpec | undefined, index: number): JobSpec =>
  withPolicyIndexes(
    withPolicyIds(job(scaling), before, () => `id-${index}`),
    index,
  );

describe('a scaling block', () => {
  const first = stored({ Max: 5 }, undefined, 3);

  it('gets an id and the indexes of its commit', () => {
    expect(policyOf(first)).toMatchObject({ ID: 'id-3', CreateIndex: 3, ModifyIndex: 3, Policy: {} });
  });

  it('keeps them while it says the same, so that the job is unchanged', () => {
    const again = withPolicyIds(job({ Max: 5 }), first, () => 'never');
    expect(specChanged({ spec: first, versionTag: null }, again)).toBe(false);
  });

  it('keeps its id, and has a newer index, when it changes', () => {
    expect(policyOf(stored({ Max: 9 }, first, 7))).toMatchObject({
      ID: 'id-3',
      CreateIndex: 3,
      ModifyIndex: 7,
      Max: 9,
    });
  });

  it('is another one when it comes back', () => {
    expect(policyOf(stored({ Max: 5 }, stored(null, first, 8), 9))).toMatchObject({ ID: 'id-9', CreateIndex: 9 });
  });

  it('of an earlier release has no id, and is folded as it was', () => {
    expect(policyOf(withPolicyIndexes(job({ Max: 5 }), 4))).toMatchObject({ ID: '', CreateIndex: 0, ModifyIndex: 0 });
  });
});
