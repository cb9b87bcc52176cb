import type { JobSpec } from '@app/domain';

/** Keeps each job specification once, however many allocations have it, for as long as one has. */
export class JobCatalogue {
  readonly #jobs = new Map<string, { readonly job: JobSpec; users: number }>();
  readonly #added: (key: string, job: JobSpec) => void;
  readonly #dropped: (key: string) => void;

  constructor(added: (key: string, job: JobSpec) => void, dropped: (key: string) => void) {
    this.#added = added;
    this.#dropped = dropped;
  }

  /** @returns the shared specification of this key; the one given if it is the first. */
  acquire(key: string, job: JobSpec): JobSpec {
    const known = this.#jobs.get(key);
    if (known) {
      known.users++;
      return known.job;
    }
    this.#jobs.set(key, { job, users: 1 });
    this.#added(key, job);
    return job;
  }

  release(key: string): void {
    const known = this.#jobs.get(key);
    if (!known || --known.users > 0) return;
    this.#jobs.delete(key);
    this.#dropped(key);
  }
}
