import type { Identity } from './caller.js';
import type {
  GrantedLevel,
  LeveledBlock,
  NamespaceCapability,
  NodePoolCapability,
  OperatorCapability,
  Permissions,
} from '@app/domain';

/** What a request must be allowed. Plain data: the table of routes is read by people, and the matrix of tests is made of it. */
export type Check =
  /** Everyone; the token is never looked at, not even one that is unknown. */
  | { readonly kind: 'open' }
  /** Every valid token, and who has none; the handler leaves out what may not be seen. */
  | { readonly kind: 'anyone' }
  | { readonly kind: 'management' }
  /** The secret of the node in the path; the handler checks it, with and without ACLs. */
  | { readonly kind: 'node secret' }
  /** A level of a block without label, or a capability of the operator's. */
  | {
      readonly kind: 'level';
      readonly block: LeveledBlock;
      readonly level: GrantedLevel;
      readonly orCapability?: OperatorCapability;
      /** Nodes may, whatever their policies say: every one, or the one that the path names. */
      readonly orNode?: 'any' | 'itself';
    }
  /** In the namespace of the request: all capabilities of one of the alternatives. */
  | {
      readonly kind: 'namespace';
      readonly anyOf: readonly (readonly NamespaceCapability[])[];
      /** In all namespaces at once (`*`): refused if it is granted nowhere, or only ever filtered. */
      readonly everywhere?: 'refused' | 'filtered';
      /** Workload identities and nodes may, whatever their policies say. */
      readonly orWorkload?: true;
      /** Nodes may; the handler says about which objects. */
      readonly orNode?: true;
    }
  /** Anything in the namespace that the path names. */
  | { readonly kind: 'known namespace' }
  /** In the node pool that the path names. */
  | { readonly kind: 'node pool'; readonly capability: NodePoolCapability; readonly andNode?: GrantedLevel }
  /** More than a check of this kind can say: the handler decides, and says so by `Access.settle`. */
  | { readonly kind: 'own' };

/** When the check is made. Bodies and parameters that cannot be read are refused before it, as in Nomad. */
export type Order =
  /** Before anything else. */
  | 'first'
  /** When the handler sends its query or command, or asks by `Access.require`. */
  | 'when sent'
  /** After the object was found: unknown ones are not found for everybody. */
  | 'after existence';

/** One row of the table: what a request needs, when that is checked, and how it is refused. */
export interface Row {
  readonly check: Check;
  readonly order: Order;
  /** What shows a row of a list whose check is about something else: any of these, in the row's namespace. */
  readonly rows?: readonly NamespaceCapability[];
  /** How an object of a foreign namespace is refused, where it is found by an id: 403 unless said otherwise. */
  readonly foreign?: { readonly status: number; readonly text: string | ((id: string) => string) };
}

const row = (check: Check, order: Order, more: Omit<Row, 'check' | 'order'> = {}): Row => ({ check, order, ...more });

/** For everybody: the token is not looked at. */
export const open: Row = row({ kind: 'open' }, 'first');
/** For every valid token and the anonymous; rows are filtered. */
export const anyone: Row = row({ kind: 'anyone' }, 'first');
export const management: Row = row({ kind: 'management' }, 'first');
export const nodeSecret: Row = row({ kind: 'node secret' }, 'first');
/** The handler checks by itself and says so: `accessOf(request).settle(isAllowed)`. */
export const byHandler: Row = row({ kind: 'own' }, 'when sent');

const level = (block: LeveledBlock) => (needed: GrantedLevel, orCapability?: OperatorCapability) =>
  row({ kind: 'level', block, level: needed, ...(orCapability && { orCapability }) }, 'first');
export const node = level('node');
export const agent = level('agent');
export const plugin = level('plugin');
export const operator = level('operator');

/** In the request's namespace any of these capabilities; with `namespace=*` in any, and rows are filtered. */
export const namespace = (...anyOf: readonly (NamespaceCapability | readonly NamespaceCapability[])[]): Row =>
  row({ kind: 'namespace', anyOf: anyOf.map((one) => (typeof one === 'string' ? [one] : one)) }, 'when sent');

/** The same row, but `namespace=*` is never refused. */
export const neverRefusedEverywhere = (of: Row): Row =>
  of.check.kind === 'namespace' ? { ...of, check: { ...of.check, everywhere: 'filtered' } } : of;

/** The same row, and nodes may, by their secrets: every one, or only the one that is named in the path. */
export const orNode = (of: Row, which: 'any' | 'itself' = 'any'): Row => {
  if (of.check.kind === 'level') return { ...of, check: { ...of.check, orNode: which } };
  return of.check.kind === 'namespace' ? { ...of, check: { ...of.check, orNode: true } } : of;
};

/** The same row, and workload identities may, and nodes. */
export const orWorkload = (of: Row): Row =>
  of.check.kind === 'namespace' ? { ...of, check: { ...of.check, orWorkload: true } } : of;

/** The same row, checked in the namespace of an object, once that is found. */
export const afterExistence = (of: Row): Row => ({ ...of, order: 'after existence' });

/** The same row, checked when the handler has read the body. */
export const afterBody = (of: Row): Row => ({ ...of, order: 'when sent' });

/** The same row; of what is listed only that is shown whose namespace grants any of these. */
export const filtered = (of: Row, ...rows: readonly NamespaceCapability[]): Row => ({ ...of, rows });

/** The same row; an object of a namespace that is not allowed is refused like this. */
export const foreign = (of: Row, status: number, text: string | ((id: string) => string)): Row => ({
  ...of,
  foreign: { status, text },
});

export const knownNamespace: Row = row({ kind: 'known namespace' }, 'first');
export const nodePool = (capability: NodePoolCapability, andNode?: GrantedLevel): Row =>
  row({ kind: 'node pool', capability, ...(andNode && { andNode }) }, 'first');

/** What a request is about, as far as its check depends on it. */
export interface Subject {
  /** `*`: all of them. */
  readonly namespace?: string;
  /** The name in the path. */
  readonly name?: string;
  /** The id in the path. */
  readonly id?: string;
  /** Who asks, where that may be enough. */
  readonly by?: Identity;
}

/** Whether permissions satisfy a check. Pure. */
export function satisfies(
  permissions: Permissions,
  check: Check,
  { namespace: where = '', name = '', id = '', by }: Subject,
): boolean {
  if (permissions.isManagement) return true;
  switch (check.kind) {
    case 'open':
    case 'anyone':
    case 'node secret':
    case 'own':
      return true;
    case 'management':
      return false;
    case 'level':
      return (
        permissions.level(check.block, check.level) ||
        (check.orCapability !== undefined && permissions.operator(check.orCapability)) ||
        (by?.kind === 'node' &&
          (check.orNode === 'any' || (check.orNode === 'itself' && by.nodeId === id.toLowerCase())))
      );
    case 'namespace':
      if (check.orWorkload && by?.kind === 'workload') return true;
      if ((check.orWorkload || check.orNode) && by?.kind === 'node') return true;
      if (where === '*') {
        return (
          check.everywhere === 'filtered' ||
          check.anyOf.some((all) => all.every((capability) => permissions.inAnyNamespace(capability)))
        );
      }
      return check.anyOf.some((all) => all.every((capability) => permissions.inNamespace(where, capability)));
    case 'known namespace':
      return permissions.knowsNamespace(name);
    case 'node pool':
      return (
        permissions.nodePool(name, check.capability) &&
        (check.andNode === undefined || permissions.level('node', check.andNode))
      );
  }
}
