import { startBigCluster, type BigCluster } from './big-cluster.js';

/** A build that is measured. */
export interface Contender {
  readonly name: string;
  readonly cluster: BigCluster;
}

/** This build, and beside it the one of another checkout if `BENCH_BESIDE` names one: both measured in turns, by one generator. */
export async function startContenders(): Promise<readonly Contender[]> {
  const beside = process.env['BENCH_BESIDE'];
  const started: Contender[] = [{ name: 'this build', cluster: await startBigCluster() }];
  if (beside !== undefined) started.push({ name: beside, cluster: await startBigCluster(beside) });
  return started;
}

/** The middle of some figures. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
