import type { Index } from '@app/kernel';

/** What there is one of for the whole cluster: whether it was bootstrapped, whose the names of roles are, and which auth method is the default. */
export interface AclRegistryState {
  /** The index of the last bootstrap; 0: none yet. */
  readonly bootstrapIndex: Index;
  readonly roles: readonly { readonly name: string; readonly id: string }[];
  /** The auth method that is taken when none is named; absent or empty: none. */
  readonly defaultMethod?: string;
  /** How many tokens were made with secrets of their owners'; absent: none. */
  readonly uploads?: number;
}

export const NO_REGISTRY: AclRegistryState = { bootstrapIndex: 0, roles: [] };

/** The id of the role of this name. */
export const roleIdOf = (state: AclRegistryState | undefined, name: string): string | undefined =>
  state?.roles.find((role) => role.name === name)?.id;

/** Equal texts: no token was made with a secret that somebody brought along in between. */
export const secretsBrought = (state: AclRegistryState = NO_REGISTRY): string =>
  `${state.bootstrapIndex} ${state.uploads ?? 0}`;
