import type { JobSpec, JobVersion } from '@app/domain';
import { ownProperty } from '@app/kernel';

/** Something inside a job that has a name, and where it is: namespace, job, group, task. */
export interface JobPart {
  readonly kind: 'jobs' | 'groups' | 'services' | 'tasks' | 'images' | 'commands' | 'classes';
  readonly name: string;
  readonly scope: readonly string[];
}

/** Which member of a task's configuration says what it runs, and what that is. */
const RUNS: ReadonlyMap<string, { readonly member: string; readonly kind: JobPart['kind'] }> = new Map([
  ['docker', { member: 'image', kind: 'images' }],
  ['exec', { member: 'command', kind: 'commands' }],
  ['raw_exec', { member: 'command', kind: 'commands' }],
  ['java', { member: 'class', kind: 'classes' }],
]);

/** Everything in a job that fuzzy search looks at; spec/http-api §4.8. */
export function jobParts({ spec }: JobVersion): JobPart[] {
  const job = [spec.Namespace, spec.ID];
  return [
    { kind: 'jobs', name: spec.Name, scope: job },
    ...spec.TaskGroups.flatMap((group) => [
      { kind: 'groups' as const, name: group.Name, scope: job },
      ...services(group.Services, [...job, group.Name]),
      ...group.Tasks.flatMap((task) => taskParts(task, [...job, group.Name])),
    ]),
  ];
}

type Task = JobSpec['TaskGroups'][number]['Tasks'][number];

function taskParts(task: Task, group: readonly string[]): JobPart[] {
  const scope = [...group, task.Name];
  const runs = RUNS.get(task.Driver);
  const name = runs && ownProperty((task.Config ?? {}) as Readonly<Record<string, unknown>>, runs.member);
  return [
    { kind: 'tasks', name: task.Name, scope: group },
    ...services(task.Services, scope),
    ...(runs && typeof name === 'string' ? [{ kind: runs.kind, name, scope }] : []),
  ];
}

const services = (list: Task['Services'], scope: readonly string[]): JobPart[] =>
  (list ?? []).map(({ Name }) => ({ kind: 'services', name: Name, scope }));
