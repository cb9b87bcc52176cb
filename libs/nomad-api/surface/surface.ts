import { ROUTES } from '../acl/routes.js';

/** What a server does with a request of Nomad's API: everything, a part of it (how), or nothing (why). */
export type Service =
  | { readonly kind: 'served' }
  | { readonly kind: 'partly'; readonly how: string }
  | { readonly kind: 'not'; readonly why: string };

/** A method and path of the API; `*` for every method. */
export interface Endpoint {
  readonly method: string;
  /** As routes have it: `:name` is a segment, `*` the rest. */
  readonly path: string;
  readonly service: Service;
}

/** Paths of Nomad's API that are answered with 501 and this sentence: `<method> <path>`, as in the table of who may. */
export const NOT_SERVED: ReadonlyMap<string, string> = new Map([
  [
    'GET /v1/operator/snapshot',
    'snapshots of Raft do not exist here: the cluster is in Postgres, save it with pg_dump (docs/operations.md, Backup and restore)',
  ],
  [
    'PUT /v1/operator/snapshot',
    'snapshots of Raft do not exist here: the cluster is in Postgres, restore it with pg_restore (docs/operations.md, Backup and restore)',
  ],
  [
    'GET /v1/agent/monitor/export',
    'there is no log file and no journal to export: the log is written to standard output, and followed at /v1/agent/monitor',
  ],
  [
    'PUT /v1/agent/schedulers/config',
    'the number of schedulers cannot be chosen: the leader has one for all types of jobs',
  ],
  ['* /v1/acl/*', 'this part of access control is not served'],
  [
    '* /v1/agent/pprof/*',
    "profiles of Go's runtime do not exist here: /v1/metrics tells of memory, CPU and event loop",
  ],
  ['GET /v1/agent/keyring/list', 'servers find each other by their database: there is no gossip, and no key of it'],
  ...['install', 'use', 'remove'].map((verb): [string, string] => [
    `PUT /v1/agent/keyring/${verb}`,
    'servers find each other by their database: there is no gossip, and no key of it',
  ]),
]);

/** What is served in part: what is missing or different. */
const PARTLY: ReadonlyMap<string, string> = new Map([
  ['PUT /v1/agent/servers', 'accepted; a node inside the server stays with it'],
  ['PUT /v1/agent/join', 'tells of each address whether it is a server of this database; servers join by that alone'],
  ['PUT /v1/agent/force-leave', 'accepted; a server that is gone is forgotten by itself within seconds'],
  ['PUT /v1/agent/reload', 'accepted; certificates are read anew by themselves when their files change'],
  ['GET /v1/agent/host', 'this server only; of the environment the names are told, not the values'],
  ['GET /v1/agent/monitor', 'this server or any node, not another server; what is logged at ROLLBOOK_LOG_LEVEL'],
  ['GET /v1/metrics', "counts are since the start, not of the last ten seconds; Nomad's names for what both have"],
  ['DELETE /v1/operator/raft/peer', 'refused with 501 for a server that is there: it is removed by stopping it'],
  [
    'PUT /v1/operator/raft/transfer-leadership',
    'answered for the leader itself; to another server 501: stop the leader, and another one takes over',
  ],
  ['PUT /v1/operator/autopilot/configuration', 'kept for who reads it; servers share a database, and nobody votes'],
  ['GET /v1/operator/autopilot/health', 'all but one server may fail; StableSince is known of the answering server'],
  ['PUT /v1/volumes', 'volumes do not exist: 501'],
  ['PUT /v1/volumes/snapshot', 'volumes do not exist: 501'],
  ['* /v1/volume/csi/*', 'reads and deletions: not found; registrations: 501, volumes do not exist'],
  ['* /v1/volume/host/*', 'reads and deletions: not found; registrations: 501, volumes do not exist'],
]);

/** Where Nomad's API ends. What is beyond it is Rollbook's own. */
const isNomads = (path: string): boolean =>
  (path.startsWith('/v1/') || path.startsWith('/.well-known/')) && !path.startsWith('/v1/operator/rollbook/');

function endpointOf(row: string): Endpoint {
  const space = row.indexOf(' ');
  const [method, path] = [row.slice(0, space), row.slice(space + 1)];
  const why = NOT_SERVED.get(row);
  if (why !== undefined) return { method, path, service: { kind: 'not', why } };
  const how = PARTLY.get(row);
  return { method, path, service: how === undefined ? { kind: 'served' } : { kind: 'partly', how } };
}

const byPath = (a: Endpoint, b: Endpoint): number =>
  a.path === b.path ? (a.method < b.method ? -1 : 1) : a.path < b.path ? -1 : 1;

/** Rows of routes that only refuse a method in a way of their own. */
const isRefusal = ({ method, path }: Endpoint): boolean =>
  ['HEAD', 'PATCH', 'OPTIONS'].includes(method) || (method === 'POST' && ROUTES.has(`PUT ${path}`));

/** Every method and path that there are, from the table of who may and the one of what is not served. */
export function endpoints(): readonly Endpoint[] {
  const rows = [...ROUTES.keys(), ...[...NOT_SERVED.keys()].filter((row) => !ROUTES.has(row))];
  return rows
    .filter((row) => !row.includes('?'))
    .map(endpointOf)
    .filter((endpoint) => !isRefusal(endpoint))
    .sort(byPath);
}

/** Those of Nomad's API. */
export const nomadsEndpoints = (): readonly Endpoint[] => endpoints().filter(({ path }) => isNomads(path));

const told = ({ service }: Endpoint): string => {
  switch (service.kind) {
    case 'served':
      return 'served';
    case 'partly':
      return `partly: ${service.how}`;
    case 'not':
      return `**not**, 501: \`${service.why}\``;
  }
};

const METHOD_NAMES = new Map([
  ['*', 'any'],
  ['PUT', 'PUT, POST'],
]);
/** Where POST is not what PUT is. */
export const isPutAlone = (path: string): boolean => PUT_ALONE.test(path);
const PUT_ALONE = /^\/v1\/(?:system\/|operator\/(?:autopilot\/configuration|license)$)/;

/** The table of Nomad's API in Markdown. */
export function renderSurface(): string {
  const rows = nomadsEndpoints().map((endpoint) => {
    const { method, path } = endpoint;
    const name = method === 'PUT' && isPutAlone(path) ? 'PUT' : (METHOD_NAMES.get(method) ?? method);
    return `| ${name} | \`${path}\` | ${told(endpoint).replaceAll('|', '\\|')} |`;
  });
  return `${INTRODUCTION}\n\n| Method | Path | |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

const INTRODUCTION = `# What happens to each request of the HTTP API

From the tables that the server routes by: \`:name\` is a segment of the path, \`*\` the rest of it. A path of Nomad's that is **not** served
answers 501 with the sentence that stands here; another method of a path that is there answers 405 as Nomad does. Endpoints of Nomad
Enterprise answer 501 \`Nomad Enterprise only endpoint\`, as its community edition does. \`libs/nomad-api/surface/surface.e2e.spec.ts\` calls
every row. Shapes of requests and answers: [openapi.json](openapi.json), which a server shows at \`/docs\`.`;
