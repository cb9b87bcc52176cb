import { ACL_REGISTRY, reject, type CommandContext, type Decision, type StateView } from '@app/kernel';
import type { AclRegistryEvent } from '../acl-registry/events.js';
import { secretsBrought, type AclRegistryState } from '../acl-registry/state.js';
import { changeAclToken, createAclToken, presentToken, type AclTokenAnswer, type NewAclToken } from './decide.js';

export interface UploadAclToken extends NewAclToken {
  /** Whether another token had the secret as of `brought`. */
  readonly isSecretTaken: boolean;
  /** As of when: which secrets had been brought along by then. */
  readonly brought: string;
  /** Why the accessor or the secret is none, if it is. */
  readonly fault?: string;
}

/**
 * Creates a client token with the accessor and the secret that the caller brings along; changes one that is there, whose secret stays. Nomad:
 * ACL.UpsertTokens. Rejections: those of a token's creation and change, acl-upload-management, acl-secret-taken, and acl-upload-outdated when
 * a secret was brought along meanwhile, which may be the same one.
 */
export function uploadAclToken(
  view: StateView,
  context: CommandContext,
  command: UploadAclToken,
): Decision<AclTokenAnswer> {
  const { accessorId, type, brought, isSecretTaken, fault } = command;
  if (presentToken(view, accessorId, context.now) !== undefined) return changeAclToken(view, context, command);
  if (type === 'management') return reject('acl-upload-management');
  if (fault !== undefined) return reject('acl-token-invalid', fault);
  if (secretsBrought(view.read<AclRegistryState>(ACL_REGISTRY)) !== brought) return reject('acl-upload-outdated');
  if (isSecretTaken) return reject('acl-secret-taken');
  const decision = createAclToken(view, context, command);
  if (decision.kind === 'rejected') return decision;
  const uploaded: AclRegistryEvent = { type: 'AclTokenUploaded', data: { accessorId } };
  return { ...decision, events: [...decision.events, { stream: ACL_REGISTRY, event: uploaded }] };
}
