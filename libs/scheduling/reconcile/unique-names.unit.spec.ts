import type { AllocationState, JobVersion } from '@app/domain';
import { allocation } from '../testing/allocations.js';
import { batch } from '../testing/specs.js';
import { toyCluster } from '../testing/toy-cluster.js';
import type { ReconcileInput, Reconciliation, Wanted } from './pass.js';
import { uniqueNames } from './unique-names.js';

const cluster = toyCluster();
const [older, job] = [cluster.register(batch()), cluster.register(batch())];

/** The name of a successor of `shop.web[0]` beside these. */
function named(...beside: readonly AllocationState[]): string {
  const input = { allocations: beside, job, evaluation: { jobId: 'shop' } } as unknown as ReconcileInput;
  const wish = { stops: [], inPlace: [], updates: [], place: [], destructive: [] } as unknown as Reconciliation;
  return uniqueNames(input, wish)({ group: 'web', name: 'shop.web[0]' } as Wanted, job);
}
const of = (version: JobVersion, change: Partial<AllocationState>): AllocationState =>
  allocation({
    jobType: 'batch',
    jobVersion: version.version,
    jobCreateIndex: version.createIndex,
    jobModifyIndex: version.jobModifyIndex,
    ...change,
  });

describe('the name of a successor', () => {
  it('is that of its predecessor', () => {
    expect(named()).toBe('shop.web[0]');
  });

  it('is another where a live allocation of the version has that', () => {
    expect(named(of(job, {}), of(job, { name: 'shop.web[1]' }))).toBe('shop.web[2]');
  });

  it('is another where a batch allocation of the version has done its work under that (simulator, seed 30191)', () => {
    expect(named(of(job, { clientStatus: 'complete' }))).toBe('shop.web[1]');
  });

  it('is the same where an older version has done that work', () => {
    expect(named(of(older, { clientStatus: 'complete' }))).toBe('shop.web[0]');
  });
});
