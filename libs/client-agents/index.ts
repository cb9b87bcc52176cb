export { allocationForClient, jobForClient } from './allocation-for-client.js';
export { NodeCalls, type NodeCallsOptions } from './node-calls.js';
export { rpcEndpoint, type RpcEndpointOptions } from './rpc-endpoint.js';
export { NodeSessions } from './node-sessions.js';
export type { RpcServices } from './services.js';
