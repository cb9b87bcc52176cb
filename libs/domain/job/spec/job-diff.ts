import { eachOf, atOnce, type Steps } from '@app/kernel';
import type { JobSpec, Task, TaskGroup } from '../../nomad.js';
import type { DiffType, FieldDiff, ObjectDiff } from './diff-objects.js';
import { specChanged } from './spec-changed.js';
import { changedFields, objectDiffs } from './diff-objects.js';

export interface TaskDiff {
  readonly Type: DiffType;
  readonly Name: string;
  readonly Fields: readonly FieldDiff[] | null;
  readonly Objects: readonly ObjectDiff[] | null;
  readonly Annotations: readonly string[] | null;
}
export interface TaskGroupDiff {
  readonly Type: DiffType;
  readonly Name: string;
  readonly Fields: readonly FieldDiff[] | null;
  readonly Objects: readonly ObjectDiff[] | null;
  readonly Tasks: readonly TaskDiff[] | null;
  /** Filled in by {@link annotateDiff}. */
  readonly Updates: Readonly<Record<string, number>> | null;
}
/** Nomad: JobDiff. */
export interface JobDiff {
  readonly Type: DiffType;
  readonly ID: string;
  readonly Fields: readonly FieldDiff[] | null;
  readonly Objects: readonly ObjectDiff[] | null;
  readonly TaskGroups: readonly TaskGroupDiff[] | null;
}
export interface DiffOptions {
  /** Show the unchanged fields of changed objects beside the changed ones. True wherever Nomad's API shows differences. */
  readonly contextual?: boolean;
}

/** Objects in the order in which Nomad lists them. */
const JOB_OBJECTS = [
  'Datacenters',
  'Constraints',
  'Affinities',
  'Spreads',
  'Periodic',
  'ParameterizedJob',
  'Multiregion',
  'UI',
];
const GROUP_OBJECTS = [
  'Constraints',
  'Affinities',
  'Spreads',
  'RestartPolicy',
  'Migrate',
  'ReschedulePolicy',
  'EphemeralDisk',
  'Consul',
  'Update',
  'Disconnect',
  'Networks',
  'Services',
  'Volumes',
  'Scaling',
];
const TASK_OBJECTS = [
  'Constraints',
  'Affinities',
  'Config',
  'Resources',
  'LogConfig',
  'DispatchPayload',
  'Lifecycle',
  'Artifacts',
  'Services',
  'Vault',
  'Consul',
  'Secrets',
  'Templates',
  'CSIPluginConfig',
  'Identity',
  'Identities',
  'Actions',
  'VolumeMounts',
  'Schedule',
];
/** Not part of what the user specified, or shown elsewhere. */
const JOB_OMITTED = ['ID', 'NomadTokenID', 'Payload'];

const orNull = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);
const change = (before: unknown, after: unknown, isChanged: boolean): DiffType => {
  if (before === null && after === null) return 'None';
  if (before === null) return 'Added';
  if (after === null) return 'Deleted';
  return isChanged ? 'Edited' : 'None';
};

/** Pairs of members of the same name, sorted by it. */
function pairs<T extends { readonly Name: string }>(
  before: readonly T[],
  after: readonly T[],
): readonly (readonly [string, T | null, T | null])[] {
  const names = [...new Set([...before, ...after].map(({ Name }) => Name))].sort((a, b) => (a < b ? -1 : 1));
  const [old, now] = [before, after].map((list) => new Map(list.toReversed().map((one) => [one.Name, one])));
  return names.map((name) => [name, old?.get(name) ?? null, now?.get(name) ?? null] as const);
}

function taskDiff(Name: string, before: Task | null, after: Task | null, contextual: boolean): TaskDiff {
  const Fields = changedFields(before, after, ['Name']);
  const Objects = orNull(objectDiffs(before, after, TASK_OBJECTS, contextual));
  return { Type: change(before, after, Fields !== null || Objects !== null), Name, Fields, Objects, Annotations: null };
}

function groupDiff(
  Name: string,
  before: TaskGroup | null,
  after: TaskGroup | null,
  contextual: boolean,
): TaskGroupDiff {
  const Fields = changedFields(before, after, ['Name']);
  const Objects = orNull(objectDiffs(before, after, GROUP_OBJECTS, contextual));
  const tasks = pairs(before?.Tasks ?? [], after?.Tasks ?? []).map(([name, old, next]) =>
    taskDiff(name, old, next, contextual),
  );
  const isChanged = Fields !== null || Objects !== null || tasks.some(({ Type }) => Type !== 'None');
  return { Type: change(before, after, isChanged), Name, Fields, Objects, Tasks: orNull(tasks), Updates: null };
}

const makesVersion = (before: JobSpec | null, after: JobSpec | null): boolean =>
  before !== null && after !== null && specChanged({ spec: before, versionTag: null }, after);

/**
 * What changes from one specification to the next; null stands for no job. Groups and tasks are listed also when they stay as they are.
 * Source: spec/http-api §4.4, recordings jobs-plan and jobs-versions.
 */
export const jobDiff = (before: JobSpec | null, after: JobSpec | null, options: DiffOptions = {}): JobDiff =>
  atOnce(jobDiffInSteps(before, after, options));

/** The same, a step for each group. */
export function* jobDiffInSteps(
  before: JobSpec | null,
  after: JobSpec | null,
  { contextual = true }: DiffOptions = {},
): Steps<JobDiff> {
  const Fields = changedFields(before, after, JOB_OMITTED);
  const Objects = orNull(objectDiffs(before, after, JOB_OBJECTS, contextual));
  const groups = yield* eachOf(pairs(before?.TaskGroups ?? [], after?.TaskGroups ?? []), ([name, old, next]) =>
    groupDiff(name, old, next, contextual),
  );
  // What has no line of its own, such as the order of a list, makes a new version, too.
  const isChanged =
    Fields !== null || Objects !== null || groups.some(({ Type }) => Type !== 'None') || makesVersion(before, after);
  return {
    Type: change(before, after, isChanged),
    ID: (after ?? before)?.ID ?? '',
    Fields,
    Objects,
    TaskGroups: orNull(groups),
  };
}
