export { ServerIdentity } from './edge/server-identity.js';
export { fastifyOptions, prepareFastify } from './fastify.js';
export { NomadApiModule, type EdgeServices } from './nomad-api.module.js';
export { Readiness } from './status/health.controller.js';
export { WORDINGS } from './edge/rejections.js';
