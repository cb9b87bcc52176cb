import { any, int, int64, list, map, optional, struct, text } from '../msgpack/index.js';
import { queryMeta, queryOptions, writeRequest } from './shared.js';

/* What running workloads need of a server: services, variables, who they are. spec/rpc §9, §12. */

export const serviceRegistration = struct({
  ID: text,
  ServiceName: text,
  Namespace: text,
  NodeID: text,
  Datacenter: text,
  JobID: text,
  AllocID: text,
  Tags: list(text),
  Address: text,
  Port: int,
  CreateIndex: int,
  ModifyIndex: int,
});

export const upsertServicesRequest = struct({ Services: list(serviceRegistration), ...writeRequest });
export const listServicesRequest = struct(queryOptions);
export const listServicesReply = struct({
  Services: list(struct({ Namespace: text, Services: list(struct({ ServiceName: text, Tags: list(text) })) })),
  ...queryMeta,
});
export const getServiceRequest = struct({ ServiceName: text, Choose: text, ...queryOptions });
export const getServiceReply = struct({ Services: list(serviceRegistration), ...queryMeta });

const variableMetadata = {
  Namespace: text,
  Path: text,
  Lock: any,
  CreateIndex: int,
  CreateTime: int64,
  ModifyIndex: int,
  ModifyTime: int64,
};
export const readVariableRequest = struct({ Path: text, ...queryOptions });
export const readVariableReply = struct({
  Data: optional(struct({ ...variableMetadata, Items: map(text) })),
  ...queryMeta,
});

export const deleteServiceRequest = struct({ ID: text, ...writeRequest });
export const listVariablesRequest = struct(queryOptions);
export const listVariablesReply = struct({ Data: list(struct(variableMetadata)), ...queryMeta });
