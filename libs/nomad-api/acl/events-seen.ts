import type { Access } from './access.js';

/** As what of the event stream an event of each kind counts; kinds that are missing are for management alone. */
const TOPICS: ReadonlyMap<string, string> = new Map([
  ['job', 'Job'],
  ['job-summary', 'Job'],
  ['job-purge', 'Job'],
  ['scaling-policy', 'Job'],
  ['deployment', 'Deployment'],
  ['allocation', 'Allocation'],
  ['evaluation', 'Evaluation'],
  ['services', 'Service'],
  ['node', 'Node'],
  ['freezes', 'Operator'],
  ['autopilot-configuration', 'Operator'],
  ['scheduler-configuration', 'Operator'],
]);

/** Which events of the log a request may see: what it might follow. */
export interface EventsSeen {
  readonly isEverything: boolean;
  /** @param namespace empty: the object is in none */
  readonly sees: (kind: string, namespace: string) => boolean;
  /** Whether there may be anything of a kind to see. */
  readonly mayAsk: (kind: string) => boolean;
}

/** @throws NomadError (403) for an unknown token, and where it may not see anything */
export function eventsSeen(access: Access): EventsSeen {
  const isEverything = !access.isEnforced || access.permissions.isManagement;
  const follows = (kind: string, namespace: string): boolean =>
    isEverything || access.follows(TOPICS.get(kind) ?? '', namespace);
  access.settle([...TOPICS.keys()].some((kind) => follows(kind, '*')));
  return { isEverything, sees: follows, mayAsk: (kind) => follows(kind, '*') };
}
