import type { NamespaceCapability, Permissions } from '@app/domain';
import type { TableName } from '@app/read-models';
import { NAMESPACES } from '../namespaces/namespaces.controller.js';
import { NODE_POOLS } from '../nodes/node-pools.controller.js';
import type { NamedTable } from '../edge/named.js';

/** Where the things of a context are found. */
export type Source =
  /** By an id that is a UUID. */
  /** `takesAnyText`: what is the beginning of no id finds nothing, where others leave the context out. */
  | {
      readonly kind: 'uuid';
      readonly table: TableName;
      readonly namespaced: boolean;
      readonly takesAnyText?: boolean;
    }
  | { readonly kind: 'jobs' }
  | { readonly kind: 'named'; readonly named: NamedTable }
  /** By their paths, as far as each may be listed. */
  | { readonly kind: 'variables' }
  /** There are none of these here. `byUuid`: how fuzzy search shows that. */
  | { readonly kind: 'none'; readonly byUuid: boolean };

/** Whether a context may be searched at all in a namespace (`*`: in any), and which names may be found. */
export interface Context {
  readonly source: Source;
  readonly isAllowed: (permissions: Permissions, namespace: string) => boolean;
  readonly shows?: (permissions: Permissions, name: string) => boolean;
}

const granted =
  (...anyOf: readonly NamespaceCapability[]): Context['isAllowed'] =>
  (permissions, namespace) =>
    namespace === '*' ? permissions.inAnyNamespace(...anyOf) : permissions.inNamespace(namespace, ...anyOf);
const readJob = granted('read-job');

/** Nomad's contexts of a search in its order, which is part of an error text; who may search them: spec/http-api-more §14. */
export const CONTEXTS: ReadonlyMap<string, Context> = new Map<string, Context>([
  ['allocs', { source: { kind: 'uuid', table: 'allocation', namespaced: true }, isAllowed: readJob }],
  ['jobs', { source: { kind: 'jobs' }, isAllowed: readJob }],
  [
    'nodes',
    {
      source: { kind: 'uuid', table: 'node', namespaced: false },
      isAllowed: (permissions) => permissions.level('node', 'read'),
    },
  ],
  [
    'node_pools',
    {
      source: { kind: 'named', named: NODE_POOLS },
      isAllowed: (permissions) => permissions.inAnyNodePool(),
      shows: (permissions, name) => permissions.nodePool(name, 'read'),
    },
  ],
  ['evals', { source: { kind: 'uuid', table: 'evaluation', namespaced: true }, isAllowed: readJob }],
  ['deployment', { source: { kind: 'uuid', table: 'deployment', namespaced: true }, isAllowed: readJob }],
  [
    'plugins',
    { source: { kind: 'none', byUuid: false }, isAllowed: (permissions) => permissions.level('plugin', 'list') },
  ],
  [
    'volumes',
    {
      source: { kind: 'none', byUuid: true },
      isAllowed: granted('csi-list-volume', 'csi-read-volume', 'csi-mount-volume', 'list-jobs', 'read-job'),
    },
  ],
  [
    'scaling_policy',
    {
      source: { kind: 'uuid', table: 'scaling_policy', namespaced: true, takesAnyText: true },
      isAllowed: granted('list-scaling-policies', 'read-job'),
    },
  ],
  [
    'vars',
    {
      source: { kind: 'variables' },
      isAllowed: (permissions, namespace) => permissions.inVariablesOf(namespace),
    },
  ],
  [
    'namespaces',
    {
      source: { kind: 'named', named: NAMESPACES },
      isAllowed: (permissions, namespace) => permissions.knowsNamespace(namespace),
      shows: (permissions, name) => permissions.knowsNamespace(name),
    },
  ],
  ['host_volumes', { source: { kind: 'none', byUuid: true }, isAllowed: granted('host-volume-read') }],
]);

export const ALL_CONTEXTS = 'all';

/** What one search looks at, as far as who asks may see it. */
export interface Scope {
  /** `*`: all that may be seen. */
  readonly namespace: string;
  readonly permissions: Permissions;
}
