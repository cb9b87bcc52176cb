import { byName, type ByName } from '@app/kernel';

/** A JSON object under construction. */
export type Draft = ByName<unknown>;

/** A draft with some members. */
export function draftWith(members: Iterable<readonly [string, unknown]>): Draft {
  const draft: Draft = byName();
  for (const [name, value] of members) draft[name] = value;
  return draft;
}

export const draftsOf = (value: unknown): Draft[] => (Array.isArray(value) ? (value as Draft[]) : []);
export const draftOf = (value: unknown): Draft | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Draft) : undefined;

/** Sets the members that are null or absent. */
export function fill(draft: Draft | undefined, defaults: Readonly<Record<string, unknown>>): void {
  if (!draft) return;
  for (const [member, value] of Object.entries(defaults)) draft[member] ??= value;
}

/** A vault block of a group or job is that of a task without one. */
export function inheritVault(task: Draft, vault: Draft | undefined): void {
  if (vault) task['Vault'] ??= { ...vault };
}

/** Secrets of a group go to tasks that have none. One that has some gets its own once more, as Nomad does it. */
export function inheritSecrets(task: Draft, secrets: readonly Draft[]): void {
  if (secrets.length === 0) return;
  const own = draftsOf(task['Secrets']);
  task['Secrets'] = own.length === 0 ? secrets : [...own, ...own];
}
