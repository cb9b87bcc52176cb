export { startAgent, type Agent, type AgentOptions, type DriverName } from './agent.js';
export type { ServerTls, ServerTrust } from './server-client.js';
export { endStrays } from './drivers/strays.js';
export type { AgentLog } from './log.js';
export { LACKING_CAPABILITIES } from './task/capabilities.js';
export type { NodeResourcesOption } from './node/node-description.js';
export type {
  AgentAllocation,
  AgentService,
  AllocationList,
  AllocationUpdate,
  HeartbeatAnswer,
  Registration,
  RegistrationAnswer,
} from './protocol.js';
