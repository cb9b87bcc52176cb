import { MANAGEMENT, type Permissions, type WorkloadPlace } from '@app/domain';
import type { TimeUs } from '@app/kernel';

/** Whom a token belongs to. */
export type Identity =
  /** ACLs are off: everybody is allowed everything. */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'token'; readonly accessorId: string }
  | { readonly kind: 'node'; readonly nodeId: string }
  | { readonly kind: 'workload'; readonly place: WorkloadPlace; readonly allocationId: string };

/** Who asks, and what that one may do. */
export interface Caller {
  readonly identity: Identity;
  readonly permissions: Permissions;
  /** The names of the policies that the permissions come from. */
  readonly policies: readonly string[];
  /** The ids of the roles through which they come. */
  readonly roles: readonly string[];
  /** From then on the token is unknown. */
  readonly expiresAt?: TimeUs;
}

/** A token that is not known (any more), or none at all: what it was called by whoever could not read it. */
export interface Stranger {
  readonly identity: { readonly kind: 'stranger' };
  /** Why a text that is no id of a token is no signed one either. */
  readonly malformed?: string;
}

export const EVERYBODY: Caller = { identity: { kind: 'nobody' }, permissions: MANAGEMENT, policies: [], roles: [] };

/** Finds out whose a token is. */
export interface Callers {
  /** As of the log that is applied now; undefined: without a token. */
  resolve(secret: string | undefined): Promise<Caller | Stranger> | Caller | Stranger;
  /** The clock by which tokens expire. */
  now(): TimeUs;
}

/** As events name who asked for them; undefined: without ACLs nobody is known. */
export function actorOf({ identity }: Caller | Stranger): string | undefined {
  switch (identity.kind) {
    case 'token':
      return `token ${identity.accessorId}`;
    case 'node':
      return `node ${identity.nodeId}`;
    case 'workload':
      return `allocation ${identity.allocationId}`;
    case 'anonymous':
    case 'stranger':
      return 'anonymous';
    case 'nobody':
      return undefined;
  }
}
