import { NomadError } from '../http/index.js';
import type { ServerIdentity } from '../edge/server-identity.js';

/** @throws NomadError (400) where there are no ACLs to speak of */
export function requireAcls({ aclEnabled }: ServerIdentity): void {
  if (!aclEnabled) throw new NomadError('ACL support disabled', 400);
}
