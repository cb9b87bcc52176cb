export type AclRegistryEvent =
  | { readonly type: 'AclBootstrapped'; readonly data: { readonly accessorId: string } }
  /** A token was made with a secret that its owner brought along. */
  | { readonly type: 'AclTokenUploaded'; readonly data: { readonly accessorId: string } }
  /** Takes the place of the name that the role had before. */
  | { readonly type: 'AclRoleNamed'; readonly data: { readonly id: string; readonly name: string } }
  | { readonly type: 'AclRoleUnnamed'; readonly data: { readonly id: string } }
  /** Which auth method is taken when none is named; empty: none any more. */
  | { readonly type: 'AclDefaultMethodChanged'; readonly data: { readonly name: string } };
