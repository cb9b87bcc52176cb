import { assertNever, type Fact } from '@app/kernel';
import type { AclRegistryEvent } from './events.js';
import { NO_REGISTRY, type AclRegistryState } from './state.js';

/** The registry after one more event. */
export function evolveAclRegistry(
  before: AclRegistryState | undefined,
  { type, data }: AclRegistryEvent,
  { index }: Fact,
): AclRegistryState {
  const state = before ?? NO_REGISTRY;
  switch (type) {
    case 'AclBootstrapped':
      return { ...state, bootstrapIndex: index };
    case 'AclTokenUploaded':
      return { ...state, uploads: (state.uploads ?? 0) + 1 };
    case 'AclRoleNamed':
      return { ...state, roles: [...state.roles.filter(({ id }) => id !== data.id), { id: data.id, name: data.name }] };
    case 'AclRoleUnnamed':
      return { ...state, roles: state.roles.filter(({ id }) => id !== data.id) };
    case 'AclDefaultMethodChanged':
      return { ...state, defaultMethod: data.name };
  }
  return assertNever(type);
}
