import { accept, reject, type CommandContext, type Decision, type StateView, type TimeUs } from '@app/kernel';
import { draftOf } from '../command/draft.js';
import { isOneTooMany } from './retention.js';
import { currentVersion } from './state.js';

export interface TagVersion {
  readonly namespace: string;
  readonly jobId: string;
  readonly name: string;
  readonly description: string;
  readonly version: number;
  /** The current version, whatever its number; `version` is 0 then. */
  readonly latest: boolean;
}

/** A tag as it is now; empty once it is removed. */
export interface TagAnswer {
  readonly name: string;
  readonly description: string;
  readonly taggedTime: TimeUs;
}

/**
 * Names a version, which is kept from then on. A tag that is there already gets the new description. Nomad: Job.TagVersion; spec/lifecycle §1.5.
 * Rejections: tag-latest-with-version (detail: the version), tag-version-not-found and tag-is-taken (detail: JSON).
 */
export function tagVersion(view: StateView, context: CommandContext, command: TagVersion): Decision<TagAnswer> {
  const { namespace, jobId, name, description, latest } = command;
  if (latest && command.version !== 0) return reject('tag-latest-with-version', String(command.version));
  const draft = draftOf(view, context);
  const job = draft.job(namespace, jobId);
  const current = currentVersion(job);
  const wanted = latest ? (current?.version ?? 0) : command.version;
  const target = job?.versions.find(({ version }) => version === wanted);
  if (job === undefined || target === undefined)
    return reject('tag-version-not-found', JSON.stringify({ jobId, version: wanted }));
  const holder = job.versions.find(({ versionTag }) => versionTag?.Name === name);
  if (holder !== undefined && holder !== target) return reject('tag-is-taken', JSON.stringify({ jobId, name }));
  draft.onJob(job, { type: 'JobVersionTagged', data: { version: wanted, name, description } });
  return accept(draft.events(), { name, description, taggedTime: context.now });
}

/** Takes a name away again. A version that only its name kept is gone then. Rejection: tag-not-found (detail: JSON). */
export function untagVersion(
  view: StateView,
  context: CommandContext,
  { namespace, jobId, name }: Pick<TagVersion, 'namespace' | 'jobId' | 'name'>,
): Decision<TagAnswer> {
  const draft = draftOf(view, context);
  const job = draft.job(namespace, jobId);
  const holder = job?.versions.find(({ versionTag }) => versionTag?.Name === name);
  if (job === undefined || holder === undefined) return reject('tag-not-found', JSON.stringify({ jobId, name }));
  draft.onJob(job, {
    type: 'JobVersionUntagged',
    data: { version: holder.version, ...(isOneTooMany(job, holder) && { forgotten: true as const }) },
  });
  return accept(draft.events(), { name: '', description: '', taggedTime: 0 });
}
