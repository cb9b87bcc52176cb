import {
  accept,
  nodePoolStream,
  quoted,
  reject,
  type CommandContext,
  type Decision,
  type NewEvent,
  type StateView,
} from '@app/kernel';
import { multiError } from '../job/spec/multi-error.js';
import type { NodePoolEvent } from './events.js';
import { ALL_NODES, BUILT_IN_POOLS, presentNodePool, type NodePoolDefinition, type NodePoolState } from './state.js';

const NAME = /^[a-zA-Z0-9-_]{1,128}$/;
const MAX_DESCRIPTION_BYTES = 256;

export const isPoolName = (name: string): boolean => NAME.test(name);
const isBuiltIn = (name: string): boolean => BUILT_IN_POOLS.some((pool) => pool.name === name);

export interface DefineNodePool {
  readonly name: string;
  readonly definition: NodePoolDefinition;
  /** Bytes of the description. */
  readonly descriptionBytes: number;
  readonly hasSchedulerConfiguration: boolean;
}

/**
 * Nomad: NodePool.UpsertNodePools. Rejections: node-pool-unmodifiable (detail: the name), node-pool-invalid (detail: the text),
 * node-pools-unlicensed.
 */
export function defineNodePool(_view: StateView, _context: CommandContext, command: DefineNodePool): Decision {
  const { name, definition } = command;
  if (isBuiltIn(name)) return reject('node-pool-unmodifiable', name);
  const problems: string[] = [];
  if (!isPoolName(name)) problems.push(`invalid name ${quoted(name)}, must match regex ${NAME.source}`);
  if (command.descriptionBytes > MAX_DESCRIPTION_BYTES)
    problems.push(`description longer than ${MAX_DESCRIPTION_BYTES}`);
  if (problems.length > 0)
    return reject('node-pool-invalid', `invalid node pool ${quoted(name)}: ${multiError(problems)}`);
  if (command.hasSchedulerConfiguration) return reject('node-pools-unlicensed');
  return accept([on(name, { type: 'NodePoolDefined', data: { name, ...definition } })]);
}

/**
 * Nomad: NodePool.DeleteNodePools. What uses the pool was looked up before; a job or node that comes in the same moment may be left in a pool that
 * is gone: such a job is blocked until the pool is made again, such a node belongs to the pool of all nodes. Rejections: node-pool-name-empty,
 * node-pool-in-use (detail: the text), node-pool-undeletable (detail: the name), node-pool-not-found (detail: the name).
 */
export function deleteNodePool(
  view: StateView,
  _context: CommandContext,
  command: { readonly name: string; readonly hasJobs: boolean; readonly hasNodes: boolean; readonly region: string },
): Decision {
  const { name, region } = command;
  if (name === '') return reject('node-pool-name-empty');
  if (name === ALL_NODES) return reject('node-pool-undeletable', name);
  if (presentNodePool(name, view.read<NodePoolState>(nodePoolStream(name))) === undefined)
    return reject('node-pool-not-found', name);
  const reasons = [...(command.hasJobs ? ['non-terminal jobs in'] : []), ...(command.hasNodes ? ['nodes in'] : [])].map(
    (what) => `node pool ${quoted(name)} has ${what} regions: [${region}]`,
  );
  if (reasons.length > 0) return reject('node-pool-in-use', multiError(reasons));
  if (isBuiltIn(name)) return reject('node-pool-undeletable', name);
  return accept([on(name, { type: 'NodePoolDeleted', data: {} })]);
}

const on = (name: string, event: NodePoolEvent): NewEvent => ({ stream: nodePoolStream(name), event });
