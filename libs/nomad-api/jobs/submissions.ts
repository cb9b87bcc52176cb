import { upcast, type JobEvent, type JobState, type JobSubmission, type JobVersion } from '@app/domain';
import type { EventStore } from '@app/event-store';
import { jobStream } from '@app/kernel';

type Registered = Extract<JobEvent, { type: 'JobRegistered' }>['data'];

/** Looks up what versions were written as. Only the log holds it: the event that made the version. */
export class Submissions {
  constructor(private readonly store: Pick<EventStore, 'readAfter'>) {}

  /** What came with a version or, for one that was brought back, with the version that it is a copy of. undefined: nothing. */
  async of(job: JobState, version: JobVersion): Promise<JobSubmission | undefined> {
    const stream = jobStream(job.namespace, job.id);
    const commit = await this.store.readAfter(version.jobModifyIndex - 1, 1);
    const event = commit.find(
      ({ index, stream: of, type }) => index === version.jobModifyIndex && of === stream && type === 'JobRegistered',
    );
    const registration = event && (upcast(event).data as Registered);
    if (registration?.submission !== undefined) return registration.submission;
    const original = job.versions.find(
      (one) => one.version === registration?.revertedTo && one.version < version.version,
    );
    return original === undefined ? undefined : this.of(job, original);
  }
}
