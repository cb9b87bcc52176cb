import { renderAllocation, type AllocationState } from '@app/domain';
import { any, encode, Encoded, goTime, type Any } from '@app/nomad-rpc';
import { exactJson } from './exact-json.js';

type Fields = Record<string, unknown>;

/** Where the client keeps a log that nobody described. A task without it ends the whole agent: spec/rpc §11.2. */
const LOG_CONFIG = { MaxFiles: 10, MaxFileSizeMB: 10, Disabled: false };
const NO_RESOURCES = { Cpu: { CpuShares: 0 }, Memory: { MemoryMB: 0, MemoryMaxMB: 0 }, Networks: null, Devices: null };
/** What the scheduler saw is nothing that a client uses. */
const LEFT_OUT = new Set(['Metrics', 'AllocStates', 'FollowupEvalID']);

/**
 * An allocation as a client takes it: Nomad's document, with times and bytes in their binary form, and without any of the nils that end an
 * agent. spec/rpc §11.
 *
 * @param job the job as of the allocation's version
 * @param identities the token of each task's default identity
 */
export function allocationForClient(
  state: AllocationState,
  job: JobForClient,
  identities: ReadonlyMap<string, string>,
): Any {
  const rendered = exactJson(JSON.stringify(renderAllocation(state))) as Fields;
  const alloc = record(Object.entries(rendered).filter(([name]) => !LEFT_OUT.has(name)));
  alloc['Job'] = job.encoded;
  alloc['AllocatedResources'] = resourcesForClient(
    alloc['AllocatedResources'] as Fields,
    job.tasks.get(state.taskGroup) ?? [],
  );
  if (alloc['TaskStates'] !== undefined) alloc['TaskStates'] = taskStatesForClient(alloc['TaskStates'] as Fields);
  const health = alloc['DeploymentStatus'] as Fields | undefined;
  // A canary has the status before anybody has said how it is.
  if (health !== undefined) health['Timestamp'] = when(health['Timestamp']);
  if (identities.size > 0) alloc['SignedIdentities'] = record(identities);
  return alloc as Any;
}

/** A version of a job as clients take it, encoded once for all its allocations. */
export interface JobForClient {
  readonly encoded: Encoded;
  /** The names of the tasks of each group. */
  readonly tasks: ReadonlyMap<string, readonly string[]>;
}

/** @param text the job as the HTTP API shows it */
export function jobForClient(text: string): JobForClient {
  const job = exactJson(text) as Fields;
  if (typeof job['Payload'] === 'string') job['Payload'] = Buffer.from(job['Payload'], 'base64');
  const tasks = new Map<string, readonly string[]>();
  for (const group of lists(job['TaskGroups'])) {
    const all = lists(group['Tasks']);
    sayAsBefore(group);
    for (const task of all) task['LogConfig'] = task['LogConfig'] ?? LOG_CONFIG;
    tasks.set(
      group['Name'] as string,
      all.map((task) => task['Name'] as string),
    );
  }
  return { encoded: new Encoded(encode(any, job as Any)), tasks };
}

/** Clients before 1.8 know nothing of the disconnect block, and read what it took the place of. spec/rpc §16. */
function sayAsBefore(group: Fields): void {
  const { StopOnClientAfter, LostAfter, Replace } = (group['Disconnect'] ?? {}) as Fields;
  if (StopOnClientAfter) group['StopAfterClientDisconnect'] ??= StopOnClientAfter;
  if (LostAfter) group['MaxClientDisconnect'] ??= LostAfter;
  if (Replace === false) group['PreventRescheduleOnLost'] = true;
}

/** Every task has resources, none of them nil. */
function resourcesForClient(resources: Fields | undefined, tasks: readonly string[]): Fields {
  const given = new Map(Object.entries((resources?.['Tasks'] as Fields | undefined) ?? {}));
  const complete = tasks.map((name): [string, unknown] => [name, given.get(name) ?? NO_RESOURCES]);
  return {
    TaskLifecycles: {},
    Shared: { Networks: null, DiskMB: 0, Ports: null },
    ...resources,
    Tasks: record(complete),
  };
}

const taskStatesForClient = (states: Fields): Fields =>
  record(
    Object.entries(states).map(([name, state]): [string, unknown] => {
      const { LastRestart, StartedAt, FinishedAt, ...rest } = state as Fields;
      return [
        name,
        { ...rest, LastRestart: when(LastRestart), StartedAt: when(StartedAt), FinishedAt: when(FinishedAt) },
      ];
    }),
  );

const when = (text: unknown): Buffer | null => (typeof text === 'string' ? goTime(text) : null);
const lists = (value: unknown): Fields[] => (Array.isArray(value) ? (value as Fields[]) : []);
const record: (entries: Iterable<readonly [string, unknown]>) => Fields = Object.fromEntries;
