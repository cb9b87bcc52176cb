import {
  accept,
  namespaceStream,
  quoted,
  reject,
  type CommandContext,
  type Decision,
  type NewEvent,
  type StateView,
} from '@app/kernel';
import { multiError } from '../job/spec/multi-error.js';
import { DEFAULT_NAMESPACE, presentNamespace, type NamespaceDefinition, type NamespaceState } from './state.js';
import type { NamespaceEvent } from './events.js';

const NAME = /^[a-zA-Z0-9-]{1,128}$/;
const MAX_DESCRIPTION_BYTES = 256;

/** What a namespace may ask for and only Nomad's enterprise edition has. */
const UNLICENSED = {
  nodePools: 'invalid node pool configuration: Node Pools Governance is unlicensed.',
  vault: 'invalid vault configuration: Multi-Cluster Vault is unlicensed.',
  consul: 'invalid consul configuration: Multi-Cluster Consul is unlicensed.',
} as const;
export type UnlicensedOfNamespace = keyof typeof UNLICENSED;

export interface DefineNamespace {
  readonly name: string;
  readonly definition: NamespaceDefinition;
  /** Bytes of the description. */
  readonly descriptionBytes: number;
  readonly unlicensed: readonly UnlicensedOfNamespace[];
  readonly quota: string;
}

/** Nomad: Namespace.UpsertNamespaces. Rejections: namespace-invalid (detail: the text), quota-not-found (detail: [namespace, quota]). */
export function defineNamespace(_view: StateView, _context: CommandContext, command: DefineNamespace): Decision {
  const { name, definition, quota } = command;
  const problems: string[] = [];
  if (!NAME.test(name)) problems.push(`invalid name ${quoted(name)}. Must match regex ${NAME.source}`);
  if (command.descriptionBytes > MAX_DESCRIPTION_BYTES)
    problems.push(`description longer than ${MAX_DESCRIPTION_BYTES}`);
  for (const what of command.unlicensed) problems.push(UNLICENSED[what]);
  if (problems.length > 0)
    return reject('namespace-invalid', `Invalid namespace ${quoted(name)}: ${multiError(problems)}`);
  if (quota !== '') return reject('quota-not-found', JSON.stringify([name, quota]));
  return accept([on(name, { type: 'NamespaceDefined', data: { name, ...definition } })]);
}

/** What still belongs to a namespace and keeps it from being deleted, in Nomad's order. */
const NAMESPACE_USES = {
  jobs: 'non-terminal jobs in',
  allocations: 'non-terminal allocations in',
  volumes: 'volumes associated with it in',
  variables: 'variables associated with it in',
} as const;
export type NamespaceUse = keyof typeof NAMESPACE_USES;

/**
 * Nomad: Namespace.DeleteNamespaces. `uses` was looked up before, so a job that is registered in the same moment may be left in a namespace that
 * is gone: it is still found there, and comes to light again when the namespace is recreated. Rejections: namespace-is-default,
 * namespace-not-found, namespace-in-use (detail: the text).
 */
export function deleteNamespace(
  view: StateView,
  _context: CommandContext,
  command: { readonly name: string; readonly uses: ReadonlySet<NamespaceUse>; readonly region: string },
): Decision {
  const { name, uses, region } = command;
  if (name === DEFAULT_NAMESPACE) return reject('namespace-is-default');
  if (presentNamespace(name, view.read<NamespaceState>(namespaceStream(name))) === undefined)
    return reject('namespace-not-found');
  const reasons = Object.entries(NAMESPACE_USES)
    .filter(([use]) => uses.has(use as NamespaceUse))
    .map(([, text]) => `namespace ${quoted(name)} has ${text} regions: [${region}]`);
  if (reasons.length > 0) return reject('namespace-in-use', multiError(reasons));
  return accept([on(name, { type: 'NamespaceDeleted', data: {} })]);
}

const on = (name: string, event: NamespaceEvent): NewEvent => ({ stream: namespaceStream(name), event });
