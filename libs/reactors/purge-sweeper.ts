import { endPurge, PURGED_PER_COMMAND, purgeRemnants, type JobPurgeState } from '@app/domain';
import {
  allocationStream,
  deploymentStream,
  evaluationStream,
  jobPurgeStream,
  servicesStream,
  type StreamName,
} from '@app/kernel';
import type { GarbageSource } from '@app/read-models';
import { Looks } from './looks.js';
import { issue, type Reactor, type ReactorContext } from './reactor.js';

const LOOK_MS = 1_000;

/**
 * Takes away what is left of purged jobs that had more than one command can carry, part by part. What has begun is in the log: the next leader goes
 * on where this one was stopped.
 */
export class PurgeSweeper implements Reactor {
  private readonly looks: Looks;
  private isStopped = false;

  constructor(
    private readonly context: ReactorContext,
    private readonly source: Pick<GarbageSource, 'remnants'>,
    everyMs = LOOK_MS,
  ) {
    this.looks = new Looks(() => this.lookAround(), everyMs, context.onError);
  }

  start(): void {
    this.looks.start();
  }

  react(): void {
    // A second more or less is nothing to a purge that takes many.
  }

  stop(): Promise<void> {
    this.isStopped = true;
    return this.looks.stop();
  }

  private async lookAround(): Promise<void> {
    for (const purge of this.context.cluster.jobPurges()) {
      // One that fails is tried again with the next look: the others go on.
      await this.sweep(purge).catch(this.context.onError);
    }
  }

  private async sweep(purge: JobPurgeState): Promise<void> {
    const { namespace, jobId, upTo } = purge;
    const stream = jobPurgeStream(namespace, jobId);
    while (!this.isStopped) {
      const remnants = await this.source.remnants(purge, PURGED_PER_COMMAND);
      const { allocationIds, deploymentIds, evaluationIds } = remnants;
      if (allocationIds.length + deploymentIds.length + evaluationIds.length === 0) {
        await issue(
          this.context,
          'EndPurge',
          (view, context) => endPurge(view, context, { namespace, jobId, upTo }),
          undefined,
          [stream],
        );
        return;
      }
      const reads: StreamName[] = [
        stream,
        ...allocationIds.flatMap((id) => [allocationStream(id), servicesStream(id)]),
        ...deploymentIds.map(deploymentStream),
        ...evaluationIds.map(evaluationStream),
      ];
      const outcome = await issue(
        this.context,
        'PurgeRemnants',
        (view, context) => purgeRemnants(view, context, { namespace, jobId, upTo, ...remnants }),
        undefined,
        reads,
      );
      // Rows that nothing is taken away of are another's business by now, or this leader's no more.
      if (outcome.kind !== 'accepted' || outcome.index === 0) return;
    }
  }
}
