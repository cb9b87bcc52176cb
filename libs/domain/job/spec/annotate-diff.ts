import { ownProperty } from '@app/kernel';
import type { DesiredUpdates } from '../../nomad.js';
import type { FieldDiff } from './diff-objects.js';
import type { JobDiff, TaskDiff, TaskGroupDiff } from './job-diff.js';

const FORCES_CREATE = 'forces create';
const FORCES_DESTROY = 'forces destroy';
const FORCES_IN_PLACE = 'forces in-place update';
const FORCES_DESTRUCTIVE = 'forces create/destroy update';

/** What a running task takes over without being replaced. Source: spec/lifecycle §4. */
const IN_PLACE_FIELDS = ['KillTimeout', 'KillSignal', 'ShutdownDelay', 'Leader'];
const IN_PLACE_OBJECTS = ['Constraint', 'Affinity', 'Service', 'LogConfig', 'Lifecycle'];

const updatesOf = (updates: DesiredUpdates): Record<string, number> =>
  Object.fromEntries(
    [
      ['ignore', updates.Ignore] as const,
      ['create', updates.Place] as const,
      ['migrate', updates.Migrate] as const,
      ['destroy', updates.Stop] as const,
      ['canary', updates.Canary] as const,
      ['in-place update', updates.InPlaceUpdate] as const,
      ['create/destroy update', updates.DestructiveUpdate] as const,
    ].filter(([, count]) => count > 0),
  );

function annotateCount(field: FieldDiff): FieldDiff {
  const growth = field.Name === 'Count' ? Number(field.New) - Number(field.Old) : 0;
  if (growth === 0) return field;
  return { ...field, Annotations: [growth > 0 ? FORCES_CREATE : FORCES_DESTROY] };
}

function isDestructive(task: TaskDiff): boolean {
  const disables = (task.Objects ?? []).some(
    ({ Name, Fields }) =>
      Name === 'LogConfig' && (Fields ?? []).some((field) => field.Name === 'Disabled' && field.Type === 'Edited'),
  );
  return (
    disables ||
    (task.Fields ?? []).some(({ Name }) => !IN_PLACE_FIELDS.includes(Name)) ||
    (task.Objects ?? []).some(({ Name }) => !IN_PLACE_OBJECTS.includes(Name))
  );
}

function taskAnnotation(task: TaskDiff, group: TaskGroupDiff): string | null {
  const groupComesOrGoes = group.Type === 'Added' || group.Type === 'Deleted';
  if (task.Type === 'None') return null;
  if (groupComesOrGoes && task.Type === 'Added') return FORCES_CREATE;
  if (groupComesOrGoes && task.Type === 'Deleted') return FORCES_DESTROY;
  return isDestructive(task) ? FORCES_DESTRUCTIVE : FORCES_IN_PLACE;
}

function annotateGroup(group: TaskGroupDiff, updates: DesiredUpdates | undefined): TaskGroupDiff {
  return {
    ...group,
    Updates: updates === undefined ? null : updatesOf(updates),
    Fields: group.Fields?.map(annotateCount) ?? null,
    Tasks:
      group.Tasks?.map((task) => {
        const annotation = taskAnnotation(task, group);
        return annotation === null ? task : { ...task, Annotations: [annotation] };
      }) ?? null,
  };
}

/**
 * The differences of a plan with what they lead to: how many allocations are created, destroyed and updated in each group, and which
 * changes force it. Source: spec/http-api §4.4, recording jobs-plan.
 *
 * @param desired what the scheduler would do, by task group
 */
export const annotateDiff = (diff: JobDiff, desired: Readonly<Record<string, DesiredUpdates>>): JobDiff => ({
  ...diff,
  TaskGroups: diff.TaskGroups?.map((group) => annotateGroup(group, ownProperty(desired, group.Name))) ?? null,
});
