export { AccessControl } from './acl/access-control.js';
export { NO_TOKENS } from './acl/caller.js';
export { ServerIdentity } from './edge/server-identity.js';
export { fastifyOptions, prepareFastify } from './fastify.js';
export type { Rehearse } from './jobs/planner.js';
export { NomadApiModule, type EdgeServices } from './nomad-api.module.js';
export type { SystemHousekeeping } from './system/system.controller.js';
export { Readiness } from './status/health.controller.js';
