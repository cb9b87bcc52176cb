import {
  afterBody,
  afterExistence,
  agent,
  anyone,
  byHandler,
  filtered,
  foreign,
  knownNamespace,
  management,
  namespace,
  neverRefusedEverywhere,
  node,
  nodePool,
  nodeSecret,
  open,
  operator,
  orWorkload,
  type Row,
} from './check.js';

/**
 * Who may do what: one row for every route, `<method> <url as the controller has it>`; PUT stands for POST, too, and `*` for every method. A
 * route without a row does not start. Source: spec/http-api-more §14.
 */
export const ROUTES: ReadonlyMap<string, Row> = new Map<string, Row>([
  // Jobs
  ['GET /v1/jobs', namespace('list-jobs')],
  ['PUT /v1/jobs', namespace('submit-job', 'register-job')],
  ['PUT /v1/jobs/parse', namespace('submit-job', 'parse-job')],
  ['PUT /v1/validate/job', namespace('read-job')],
  ['GET /v1/jobs/statuses', namespace('read-job')],
  ['POST /v1/jobs/statuses', namespace('read-job')],
  ['GET /v1/job/:id', namespace('read-job')],
  ['PUT /v1/job/:id', namespace('submit-job', 'register-job')],
  ['DELETE /v1/job/:id', namespace('submit-job', 'deregister-job', 'purge-job')],
  ['DELETE /v1/job/:id?purge=true', namespace('submit-job', 'purge-job')],
  ['* /v1/job/:id/summary', namespace('read-job')],
  ['* /v1/job/:id/versions', namespace('read-job')],
  ['GET /v1/job/:id/allocations', namespace('read-job')],
  ['GET /v1/job/:id/deployments', namespace('read-job')],
  ['GET /v1/job/:id/deployment', namespace('read-job')],
  ['GET /v1/job/:id/evaluations', namespace('read-job')],
  ['GET /v1/job/:id/submission', namespace('read-job')],
  ['GET /v1/job/:id/services', namespace('read-job')],
  ['GET /v1/job/:id/actions', namespace('read-job')],
  ['GET /v1/job/:id/scale', namespace('read-job', 'read-job-scaling')],
  ['PUT /v1/job/:id/scale', namespace('submit-job', 'scale-job')],
  ['PUT /v1/job/:id/plan', namespace('submit-job', 'plan-job')],
  ['PUT /v1/job/:id/evaluate', namespace('submit-job', 'evaluate-job')],
  ['PUT /v1/job/:id/revert', namespace('submit-job', 'revert-job')],
  ['PUT /v1/job/:id/stable', namespace('submit-job', 'stable-job')],
  ['PUT /v1/job/:id/dispatch', namespace('dispatch-job')],
  ['PUT /v1/job/:id/dispatch/payload', namespace('dispatch-job')],
  ['PUT /v1/job/:id/periodic/force', namespace('submit-job', 'dispatch-job', 'force-periodic-job')],
  ['PUT /v1/job/:id/:word/:name/tag', namespace('submit-job', 'tag-job-version')],
  ['DELETE /v1/job/:id/:word/:name/tag', namespace('submit-job', 'tag-job-version')],
  ['* /v1/job/:id/tag', open],

  // Deployments
  ['GET /v1/deployments', namespace('read-job')],
  ['GET /v1/deployment/:id', foreign(namespace('read-job'), 404, 'deployment not found')],
  ['GET /v1/deployment/allocations/:id', namespace('read-job')],
  ['PUT /v1/deployment/fail/:id', afterExistence(namespace('submit-job', 'fail-deployment'))],
  ['PUT /v1/deployment/pause/:id', afterExistence(namespace('submit-job', 'pause-deployment'))],
  ['PUT /v1/deployment/promote/:id', afterExistence(namespace('submit-job', 'promote-deployment'))],
  ['PUT /v1/deployment/unblock/:id', afterExistence(namespace('submit-job', 'unblock-deployment'))],
  ['PUT /v1/deployment/allocation-health/:id', afterExistence(namespace('submit-job', 'set-alloc-health-deployment'))],
  ['GET /v1/operator/rollbook/deployment/:id', foreign(namespace('read-job'), 404, 'deployment not found')],

  // Allocations and evaluations
  ['GET /v1/allocations', namespace('read-job')],
  ['GET /v1/allocation/:id', foreign(afterExistence(namespace('read-job')), 500, (id) => `Unknown allocation "${id}"`)],
  ['GET /v1/allocation/:id/*', open],
  ['GET /v1/allocation/:id/services', namespace('read-job')],
  ['PUT /v1/allocation/:id/stop', afterExistence(namespace('alloc-lifecycle'))],
  ['GET /v1/evaluations', namespace('read-job')],
  ['GET /v1/evaluations/count', namespace('read-job')],
  ['DELETE /v1/evaluations', afterBody(management)],
  ['GET /v1/evaluation/:id', namespace('read-job')],
  ['GET /v1/evaluation/:id/allocations', namespace('read-job')],

  // Nodes and node pools
  ['GET /v1/nodes', node('read')],
  ['GET /v1/node/:id', node('read')],
  ['GET /v1/node/:id/allocations', filtered(node('read'), 'read-job')],
  ['PUT /v1/node/:id/eligibility', node('write')],
  ['PUT /v1/node/:id/drain', node('write')],
  ['PUT /v1/node/:id/evaluate', node('write')],
  ['PUT /v1/node/:id/purge', node('write')],
  ['GET /v1/node/pools', anyone],
  ['PUT /v1/node/pools', afterBody(nodePool('write'))],
  ['GET /v1/node/pool/:name', nodePool('read')],
  ['PUT /v1/node/pool/:name', nodePool('write')],
  ['DELETE /v1/node/pool/:name', nodePool('delete')],
  ['GET /v1/node/pool/:name/nodes', nodePool('read', 'read')],
  ['GET /v1/node/pool/:name/jobs', filtered(nodePool('read'), 'list-jobs')],

  // Namespaces
  ['GET /v1/namespaces', anyone],
  ['GET /v1/namespace/:name', knownNamespace],
  ['PUT /v1/namespace', management],
  ['PUT /v1/namespace/:name', management],
  ['DELETE /v1/namespace/:name', management],

  // Search: a context that may not be searched is refused by the handler, or left out of all of them
  ['PUT /v1/search', byHandler],
  ['PUT /v1/search/fuzzy', byHandler],

  // Services
  ['GET /v1/services', neverRefusedEverywhere(orWorkload(namespace('read-job')))],
  ['GET /v1/service/:id', neverRefusedEverywhere(orWorkload(namespace('read-job')))],
  ['DELETE /v1/service/:id', namespace('submit-job', 'delete-service-registration')],

  // Variables and the keyring; what may be done with a variable depends on its path
  ['GET /v1/vars', anyone],
  ['GET /v1/var/:id', byHandler],
  ['PUT /v1/var/:id', byHandler],
  ['DELETE /v1/var/:id', byHandler],
  ['HEAD /v1/var/:id', open],
  ['PATCH /v1/var/:id', open],
  ['OPTIONS /v1/var/:id', open],
  ['GET /v1/operator/keyring/:id', operator('read', 'keyring-read')],
  ['PUT /v1/operator/keyring/:id', operator('write', 'keyring-rotate')],
  ['DELETE /v1/operator/keyring/:id', operator('write', 'keyring-delete')],
  ['GET /.well-known/jwks.json', open],
  ['GET /.well-known/openid-configuration', open],
  // The event stream: each topic is checked by the handler, and again while it streams
  ['GET /v1/event/stream', byHandler],

  // Server
  ['GET /v1/status/leader', open],
  ['GET /v1/status/peers', open],
  ['GET /v1/regions', open],
  ['GET /v1/agent/health', open],
  ['GET /v1/agent/servers', agent('read')],
  ['GET /v1/agent/self', agent('read')],
  ['GET /v1/agent/members', node('read')],
  ['GET /v1/operator/scheduler/configuration', operator('read')],
  ['PUT /v1/operator/scheduler/configuration', afterBody(operator('write'))],
  ['PUT /v1/system/gc', management],
  ['PUT /v1/system/reconcile/summaries', management],
  ['POST /v1/system/gc', open],
  ['POST /v1/system/reconcile/summaries', open],

  // Beyond Nomad
  ['GET /healthz', open],
  ['GET /readyz', open],
  ['GET /metrics', open],
  ['GET /v1/operator/rollbook/leases', operator('read')],
  ['GET /v1/operator/rollbook/history/:type/:id', management],

  // Node agents: every request is the node's own
  ['PUT /agent/v1/node', nodeSecret],
  ['PUT /agent/v1/node/:id/heartbeat', nodeSecret],
  ['GET /agent/v1/node/:id/allocations', nodeSecret],
  ['PUT /agent/v1/node/:id/status', nodeSecret],
]);
