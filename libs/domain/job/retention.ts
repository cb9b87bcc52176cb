import type { JobState, JobVersion } from './state.js';

/** Untagged versions that are kept. Nomad: job_tracked_versions. */
const TRACKED_VERSIONS = 6;

/** On overflow the oldest untagged version goes; the newest stable one is protected. spec/lifecycle §1.5. */
export function retained(versions: readonly JobVersion[]): readonly JobVersion[] {
  const untagged = versions.filter((one) => one.versionTag === null);
  if (untagged.length <= TRACKED_VERSIONS) return versions;
  const newestStable = versions.find((one) => one.stable);
  const goes = untagged.at(-1) === newestStable ? untagged.at(-2) : untagged.at(-1);
  return versions.filter((one) => one !== goes);
}

/** Whether a tagged version would go if it had no tag. */
export function isOneTooMany(job: JobState, version: JobVersion): boolean {
  const untagged = { ...version, versionTag: null };
  return !retained(job.versions.map((one) => (one === version ? untagged : one))).includes(untagged);
}
