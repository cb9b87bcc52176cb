import { counterOf, gaugeOf, histogramOf } from '@app/platform';
import { tallyOf, type ClusterState, type EvaluationMetrics } from '@app/reactors';
import type { Core } from './core.js';

/** All statuses are shown, so that one that is left shows 0 and not what it had. */
const STATUSES = {
  jobs: ['pending', 'running', 'dead'],
  nodes: ['initializing', 'ready', 'down', 'disconnected'],
  allocations: ['pending', 'running', 'complete', 'failed', 'lost', 'unknown'],
  evaluations: ['pending', 'blocked'],
  deployments: ['running', 'waiting', 'paused', 'pending', 'blocked', 'unblocking', 'initializing'],
} as const;

const GAUGES = [
  ['rollbook_jobs', 'jobs', STATUSES.jobs],
  ['rollbook_nodes', 'nodes', STATUSES.nodes],
  ['rollbook_allocations', 'allocations', STATUSES.allocations],
  ['rollbook_evaluations_open', 'evaluations', STATUSES.evaluations],
  ['rollbook_deployments', 'deployments', STATUSES.deployments],
  ['rollbook_deployment_oldest_seconds', 'oldestDeployment', STATUSES.deployments],
] as const;

/** Shows how many objects there are of each status; while `leading` gives no cluster, nothing. */
export function showTally({ metrics, clock }: Core, leading: () => ClusterState | undefined): void {
  let kept: { readonly at: number; readonly tally: ReturnType<typeof tallyOf> | undefined } | undefined;
  // One walk for all gauges of a scrape.
  const current = (): ReturnType<typeof tallyOf> | undefined => {
    const now = clock.now();
    const cluster = leading();
    if (kept?.at !== now) kept = { at: now, tally: cluster && tallyOf(cluster, now) };
    return kept.tally;
  };
  let tally: ReturnType<typeof current>;
  for (const [position, [name, part, statuses]] of GAUGES.entries())
    gaugeOf(metrics, name, (gauge) => {
      if (position === 0) tally = current();
      gauge.reset();
      if (tally === undefined) return;
      for (const status of statuses) gauge.set({ status }, tally[part].get(status) ?? 0);
    });
}

export function evaluationMetricsOf({ metrics }: Core): EvaluationMetrics {
  const seconds = histogramOf(metrics, 'rollbook_evaluation_seconds');
  const failed = counterOf(metrics, 'rollbook_placements_failed_total');
  return {
    concluded: (outcome, elapsed) => seconds.observe({ outcome }, elapsed),
    placementsFailed: (groups) => failed.inc(groups),
  };
}
