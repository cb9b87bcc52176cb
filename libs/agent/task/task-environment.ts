import type { JobSpec, Task, TaskGroup } from '@app/domain';
import { ownProperty, type Json, setOwnProperty } from '@app/kernel';
import type { TaskDirectories } from '../allocation/directories.js';
import type { AgentAllocation } from '../protocol.js';

/** What a task may learn of the node it runs on. */
export interface NodeFacts {
  readonly id: string;
  readonly name: string;
  readonly datacenter: string;
  readonly nodeClass: string;
  readonly nodePool: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly meta: Readonly<Record<string, string>>;
  /** The agent's own environment, as far as tasks may see it. */
  readonly hostEnv: Readonly<Record<string, string>>;
}

/**
 * The variables of the agent's environment that tasks inherit. A short list rather than Nomad's deny-list: an agent may run inside a
 * server, whose environment holds the address and the password of its database.
 */
const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR', 'USER', 'SHELL'];
export const inheritedEnv = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(INHERITED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));

export interface TaskSurroundings {
  readonly allocation: AgentAllocation;
  readonly job: JobSpec;
  readonly group: TaskGroup;
  readonly task: Task;
  readonly node: NodeFacts;
  readonly directories: TaskDirectories;
}

/** The environment of a task: the host's, Nomad's NOMAD_ variables, and on top the task's own. Pure. */
export function taskEnvironment(surroundings: TaskSurroundings): Record<string, string> {
  const { job, group, task, node } = surroundings;
  const env = { ...node.hostEnv, ...nomadVariables(surroundings), ...portVariables(surroundings) };
  const meta = { ...job.Meta, ...group.Meta, ...task.Meta };
  for (const [key, value] of Object.entries(meta)) {
    env[`NOMAD_META_${clean(key)}`] = value;
    env[`NOMAD_META_${clean(key).toUpperCase()}`] = value;
  }
  for (const [key, value] of Object.entries(task.Env ?? {})) setOwnProperty(env, key, interpolate(value, env, node));
  return env;
}

/** Replaces `${NAME}`, `${attr.x}`, `${meta.x}` and `${node.x}` in all texts of a value; what is unknown stays. */
export function interpolateAll<T extends Json>(value: T, env: Readonly<Record<string, string>>, node: NodeFacts): T {
  const walk = (item: Json): Json => {
    if (typeof item === 'string') return interpolate(item, env, node);
    if (Array.isArray(item)) return item.map(walk);
    if (item === null || typeof item !== 'object') return item;
    return Object.fromEntries(Object.entries(item).map(([key, member]) => [key, walk(member)]));
  };
  return walk(value) as T;
}

function interpolate(text: string, env: Readonly<Record<string, string>>, node: NodeFacts): string {
  const parts: string[] = [];
  let done = 0;
  for (;;) {
    const open = text.indexOf('${', done);
    // Looked for once behind each opening: a text of nothing but openings is read once, not once for each.
    const close = open < 0 ? -1 : text.indexOf('}', open);
    if (close < 0) break;
    const found = lookUp(text.slice(open + 2, close).trim(), env, node);
    parts.push(text.slice(done, open), found ?? text.slice(open, close + 1));
    done = close + 1;
  }
  return parts.join('') + text.slice(done);
}

function lookUp(name: string, env: Readonly<Record<string, string>>, node: NodeFacts): string | undefined {
  if (name.startsWith('attr.')) return ownProperty(node.attributes, name.slice('attr.'.length));
  if (name.startsWith('meta.')) return ownProperty(node.meta, name.slice('meta.'.length));
  if (name.startsWith('env.')) return ownProperty(env, name.slice('env.'.length));
  switch (name) {
    case 'node.unique.id':
      return node.id;
    case 'node.unique.name':
      return node.name;
    case 'node.datacenter':
      return node.datacenter;
    case 'node.class':
      return node.nodeClass;
    case 'node.pool':
      return node.nodePool;
    default:
      return ownProperty(env, name);
  }
}

function nomadVariables({ allocation, job, task, node, directories }: TaskSurroundings): Record<string, string> {
  const resources = ownProperty(allocation.AllocatedResources.Tasks, task.Name);
  return {
    NOMAD_ALLOC_ID: allocation.ID,
    NOMAD_SHORT_ALLOC_ID: allocation.ID.slice(0, 8),
    NOMAD_ALLOC_NAME: allocation.Name,
    NOMAD_ALLOC_INDEX: /\[(\d+)\]$/.exec(allocation.Name)?.[1] ?? '0',
    NOMAD_TASK_NAME: task.Name,
    NOMAD_GROUP_NAME: allocation.TaskGroup,
    NOMAD_JOB_ID: allocation.JobID,
    NOMAD_JOB_NAME: job.Name,
    ...(job.ParentID && { NOMAD_JOB_PARENT_ID: job.ParentID }),
    NOMAD_NAMESPACE: allocation.Namespace,
    NOMAD_REGION: job.Region,
    NOMAD_DC: node.datacenter,
    NOMAD_ALLOC_DIR: directories.shared,
    NOMAD_TASK_DIR: directories.local,
    NOMAD_SECRETS_DIR: directories.secrets,
    ...(resources && {
      NOMAD_CPU_LIMIT: String(resources.Cpu.CpuShares),
      NOMAD_MEMORY_LIMIT: String(resources.Memory.MemoryMB),
      ...(resources.Memory.MemoryMaxMB > 0 && { NOMAD_MEMORY_MAX_LIMIT: String(resources.Memory.MemoryMaxMB) }),
    }),
  };
}

/** Ports by label: where the task listens, and where the host can be reached. Without isolation the two are the same. */
function portVariables({ allocation }: TaskSurroundings): Record<string, string> {
  const env: Record<string, string> = {};
  for (const port of allocation.AllocatedResources.Shared.Ports ?? []) {
    const label = clean(port.Label ?? '');
    const ip = port.HostIP ?? '';
    const hostPort = String(port.Value ?? 0);
    env[`NOMAD_IP_${label}`] = ip;
    env[`NOMAD_PORT_${label}`] = port.To && port.To > 0 ? String(port.To) : hostPort;
    env[`NOMAD_ADDR_${label}`] = `${ip}:${hostPort}`;
    env[`NOMAD_HOST_IP_${label}`] = ip;
    env[`NOMAD_HOST_PORT_${label}`] = hostPort;
    env[`NOMAD_HOST_ADDR_${label}`] = `${ip}:${hostPort}`;
  }
  return env;
}

/** Characters that no variable name may have become underscores. */
const clean = (name: string): string => name.replace(/[^A-Za-z0-9_]/g, '_');
