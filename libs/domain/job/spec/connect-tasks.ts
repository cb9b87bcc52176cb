import { ownProperty, type JsonObject } from '@app/kernel';
import type { Constraint, NetworkResource, Port, Service, Task } from '../../nomad.js';
import { isObject, members, text } from './read.js';

/*
 * What Nomad's servers add to a group whose services are part of Consul's mesh: the tasks of the proxies, their ports, and the kinds of
 * native tasks. Source: the canonical forms of a real server; what the tasks need is told by their constraints.
 */

const constraint = (LTarget: string, Operand: string, RTarget: string): Constraint => ({ LTarget, RTarget, Operand });
const PROXY_NEEDS = [
  constraint('${attr.consul.version}', 'semver', '>= 1.8.0'),
  constraint('${attr.consul.grpc}', '>', '0'),
];
const PROXY_ARGS = [
  '-c',
  '${NOMAD_SECRETS_DIR}/envoy_bootstrap.json',
  '-l',
  '${meta.connect.log_level}',
  '--concurrency',
  '${meta.connect.proxy_concurrency}',
  '--disable-hot-restart',
];

type Gateway = 'ingress' | 'terminating' | 'mesh';
type Role = 'sidecar' | 'native' | Gateway;
const GATEWAYS: readonly Gateway[] = ['ingress', 'terminating', 'mesh'];
const GATEWAY_MEMBERS = { ingress: 'Ingress', terminating: 'Terminating', mesh: 'Mesh' } as const;

/** What a service is in the mesh, or null. */
export function connectRole({ Connect: connect }: Service): Role | null {
  if (connect === null) return null;
  if (isObject(connect['SidecarService'])) return 'sidecar';
  if (connect['Native'] === true) return 'native';
  const gateway = members(connect['Gateway']);
  return GATEWAYS.find((kind) => isObject(gateway[GATEWAY_MEMBERS[kind]])) ?? null;
}

const PREFIXES: Readonly<Record<Role, string>> = {
  sidecar: 'connect-proxy',
  native: 'connect-native',
  ingress: 'connect-ingress',
  terminating: 'connect-terminating',
  mesh: 'connect-mesh',
};

/** A task as a job would give it: still to be made canonical. */
function proxyTask(role: Role, service: string, networkMode: string): JsonObject {
  const image = role === 'sidecar' ? '${meta.connect.sidecar_image}' : '${meta.connect.gateway_image}';
  return {
    Name: `${PREFIXES[role]}-${service}`,
    Kind: `${PREFIXES[role]}:${service}`,
    Driver: 'docker',
    Config: { image, args: PROXY_ARGS, ...(networkMode === 'host' && { network_mode: 'host' }) },
    ShutdownDelay: 5e9,
    LogConfig: { MaxFiles: 2, MaxFileSizeMB: 2 },
    Resources: { CPU: 250, MemoryMB: 128 },
    ...(role === 'sidecar' && { Lifecycle: { Hook: 'prestart', Sidecar: true } }),
    Constraints: PROXY_NEEDS.map((need) => ({ ...need })),
  };
}

/** What a job says of the sidecar's task, laid over the usual one. */
function customised(task: JsonObject, sidecarTask: unknown): JsonObject {
  const given = Object.entries(members(sidecarTask)).filter(
    ([, value]) => value !== null && value !== '' && !(Array.isArray(value) && value.length === 0),
  );
  const maps = ['Config', 'Env', 'Meta'];
  const merged = given.map(([name, value]) => [
    name,
    maps.includes(name) ? { ...members(ownProperty(task, name)), ...members(value) } : value,
  ]);
  return { ...task, ...(Object.fromEntries(merged) as JsonObject) };
}

/** With the ports of the proxies on the group's network; -1: the same port inside. */
function withPorts(networks: NetworkResource[] | null, labels: readonly string[]): NetworkResource[] | null {
  const [first, ...others] = networks ?? [];
  if (first === undefined || labels.length === 0) return networks;
  const ports: Port[] = first.DynamicPorts ?? [];
  const missing = labels.filter((label) => !ports.some(({ Label }) => Label === label));
  if (missing.length === 0) return networks;
  const added = missing.map((label): Port => ({ Label: label, To: -1, HostNetwork: 'default' }));
  return [{ ...first, DynamicPorts: [...ports, ...added] }, ...others];
}

export interface MeshGroup {
  readonly tasks: Task[];
  readonly services: Service[] | null;
  readonly networks: NetworkResource[] | null;
}

/** The task that a native service speaks for: the one it names, or the only one. */
const nativeTask = (service: Service, tasks: readonly Task[]): Task | undefined =>
  service.TaskName === ''
    ? tasks.length === 1
      ? tasks[0]
      : undefined
    : tasks.find(({ Name }) => Name === service.TaskName);

/**
 * A group with everything its services' place in the mesh brings along. Done twice it adds nothing; a group without a network is left to
 * validation.
 *
 * @param canonicalTask makes a task canonical as the group's own are
 */
export function withMesh(group: MeshGroup, canonicalTask: (task: JsonObject) => Task): MeshGroup {
  const mode = group.networks?.[0]?.Mode ?? '';
  if (group.networks === null || (group.services ?? []).every((service) => connectRole(service) === null)) return group;
  const tasks = [...group.tasks];
  const labels: string[] = [];
  const services = (group.services ?? []).map((service): Service => {
    const role = connectRole(service);
    if (role === null) return service;
    const kind = `${PREFIXES[role]}:${service.Name}`;
    if (role === 'native') {
      const owner = nativeTask(service, group.tasks);
      if (owner === undefined) return service;
      tasks[tasks.findIndex(({ Name }) => Name === owner.Name)] = { ...owner, Kind: kind };
      return { ...service, TaskName: owner.Name };
    }
    if (!tasks.some(({ Kind }) => Kind === kind)) {
      const usual = proxyTask(role, service.Name, mode);
      tasks.push(canonicalTask(role === 'sidecar' ? customised(usual, service.Connect?.['SidecarTask']) : usual));
    }
    if (role === 'sidecar') {
      labels.push(text()(members(service.Connect?.['SidecarService'])['Port']) || `connect-proxy-${service.Name}`);
    }
    return service;
  });
  return { tasks, services, networks: withPorts(group.networks, labels) };
}

/** Why the native services of a group cannot be told apart, or null. Found before anything else is looked at. */
export function nativeFault(group: {
  Name: string;
  Tasks: readonly Task[];
  Services: Service[] | null;
}): string | null {
  for (const service of group.Services ?? []) {
    if (connectRole(service) !== 'native' || nativeTask(service, group.Tasks) !== undefined) continue;
    return service.TaskName === ''
      ? `task for Consul Connect Native service ${group.Name}->${service.Name} is ambiguous and must be set`
      : `task ${service.TaskName} named by Consul Connect Native service ${group.Name}->${service.Name} does not exist`;
  }
  return null;
}
