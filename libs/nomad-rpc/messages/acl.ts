import { any, bool, bytes, int, int64, list, map, optional, struct, text, time } from '../msgpack/index.js';
import { queryMeta, queryOptions } from './shared.js';

const aclToken = struct({
  AccessorID: text,
  SecretID: text,
  Name: text,
  /** `management` or `client`. */
  Type: text,
  Policies: list(text),
  Roles: list(struct({ ID: text, Name: text })),
  Global: bool,
  Hash: bytes,
  CreateTime: time,
  ExpirationTime: optional(time),
  ExpirationTTL: int64,
  CreateIndex: int,
  ModifyIndex: int,
});

export const whoAmIRequest = struct(queryOptions);
export const whoAmIReply = struct({
  Identity: struct({ ACLToken: optional(aclToken), Claims: any, ClientID: text, TLSName: text, RemoteIP: any }),
  ...queryMeta,
});

/** A policy: its rules as they were written. */
const aclPolicy = struct({
  Name: text,
  Description: text,
  Rules: text,
  Hash: bytes,
  CreateIndex: int,
  ModifyIndex: int,
});
export const getPoliciesRequest = struct({ Names: list(text), ...queryOptions });
export const getClaimPoliciesRequest = struct(queryOptions);
export const getPoliciesReply = struct({ Policies: map(aclPolicy), ...queryMeta });

const aclRole = struct({
  ID: text,
  Name: text,
  Description: text,
  Policies: list(struct({ Name: text })),
  Hash: bytes,
  CreateIndex: int,
  ModifyIndex: int,
});
export const getRolesRequest = struct({ ACLRoleIDs: list(text), ...queryOptions });
export const getRolesReply = struct({ ACLRoles: map(aclRole), ...queryMeta });
