import { percentDecode } from './percent.js';

/*
 * Nomad decodes a path and then cuts it by prefixes and suffixes, so that an id may hold slashes in either spelling (spec/http-api §1.1).
 * Here such a path is rewritten, with the id as one encoded segment, so that plain `:id` routes see what Nomad's handlers would.
 */

/** The path to route by, or where the client is sent to with a 307. */
export type CanonicalPath = { readonly url: string } | { readonly redirect: string };

/** The sub-resources of a job, tested in this order at the end of the path. */
const JOB_SUFFIXES = [
  'evaluate',
  'allocations',
  'evaluations',
  'periodic/force',
  'plan',
  'summary',
  'dispatch',
  'dispatch/payload',
  'versions',
  'revert',
  'deployments',
  'deployment',
  'stable',
  'scale',
  'services',
  'submission',
  'actions',
  'action',
];
const NODE_SUFFIXES = ['evaluate', 'allocations', 'drain', 'eligibility', 'purge'];
const DEPLOYMENT_PREFIXES = ['allocations', 'fail', 'pause', 'promote', 'allocation-health', 'unblock'];

type Rewrite = (remainder: string) => string;

const whole: Rewrite = (remainder) => encodeURIComponent(remainder);

const bySegment: Rewrite = (remainder) => remainder.split('/').map(encodeURIComponent).join('/');

const bySuffix =
  (suffixes: readonly string[]): Rewrite =>
  (remainder) => {
    const suffix = suffixes.find((candidate) => remainder.endsWith(`/${candidate}`));
    return suffix === undefined ? whole(remainder) : `${whole(remainder.slice(0, -suffix.length - 1))}/${suffix}`;
  };

const byPrefix =
  (prefixes: readonly string[]): Rewrite =>
  (remainder) => {
    const prefix = prefixes.find((candidate) => remainder.startsWith(`${candidate}/`));
    return prefix === undefined ? whole(remainder) : `${prefix}/${whole(remainder.slice(prefix.length + 1))}`;
  };

const jobSubResource = bySuffix([...JOB_SUFFIXES, 'tag']);
/** Tags are the exception: four segments, or the answer of `/v1/job/:id/tag`, which is `invalid job tag endpoint`. */
const job: Rewrite = (remainder) => {
  const isTag = /^[^/]+\/[^/]+\/[^/]+\/tag$/.test(remainder);
  return isTag ? bySegment(remainder) : jobSubResource(remainder);
};

/** Longer prefixes first. */
const PREFIX_ROUTES: readonly (readonly [prefix: string, rewrite: Rewrite])[] = [
  ['/v1/operator/keyring/', whole],
  ['/v1/client/allocation/', bySegment],
  ['/v1/acl/role/name/', whole],
  ['/v1/acl/policy/', whole],
  ['/v1/acl/auth-method/', whole],
  ['/v1/acl/binding-rule/', whole],
  ['/v1/acl/token/', bySegment],
  ['/v1/acl/role/', whole],
  ['/v1/node/pool/', bySuffix(['nodes', 'jobs'])],
  ['/v1/deployment/', byPrefix(DEPLOYMENT_PREFIXES)],
  ['/v1/allocation/', bySegment],
  ['/v1/evaluation/', bySuffix(['allocations'])],
  ['/v1/namespace/', whole],
  ['/v1/scaling/policy/', whole],
  ['/v1/node/', bySuffix(NODE_SUFFIXES)],
  ['/v1/service/', whole],
  ['/v1/var/', whole],
  ['/v1/job/', job],
];
/** Routes that exist with and without a slash at the end, and those below a prefix that are no ids. */
const EXACT_ROUTES = new Set([
  '/v1/namespace',
  '/v1/acl/token',
  '/v1/acl/role',
  '/v1/acl/auth-method',
  '/v1/acl/binding-rule',
  '/v1/node/pools',
]);
const REDIRECTED = new Set(
  PREFIX_ROUTES.map(([prefix]) => prefix.slice(0, -1)).filter((route) => !EXACT_ROUTES.has(route)),
);

/** No empty, `.` or `..` segments; a slash at the end stays. */
function clean(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const cleaned = `/${kept.join('/')}`;
  return path.endsWith('/') && cleaned !== '/' ? `${cleaned}/` : cleaned;
}

/** Paths that are canonical already, and frequent: nothing in them is to be decoded, cut or redirected. */
const PLAIN =
  /^\/v1\/(?:deployments|allocations|evaluations|jobs|nodes|(?:deployment(?:\/(?:allocations|fail|pause|promote|allocation-health|unblock))?|allocation|evaluation)\/[0-9a-f-]{36})(?:\?|$)/;

/**
 * Where a request belongs: a url whose ids are single encoded segments, or a redirect. The query is kept as it is. A path without an id ends
 * with a slash (`/v1/job/`), which matches a `:id` route with an empty id.
 */
export function canonicalPath(url: string): CanonicalPath {
  if (PLAIN.test(url)) return { url };
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  const query = end < 0 ? '' : url.slice(end);
  if (!path.startsWith('/')) return { url };
  if (path === '/') return { redirect: `/ui/${query}` };
  const cleaned = clean(path);
  if (REDIRECTED.has(cleaned)) return { redirect: `${cleaned}/${query}` };
  if (cleaned !== path) return { redirect: cleaned + query };
  if (EXACT_ROUTES.has(path)) return { url };
  const route = PREFIX_ROUTES.find(([prefix]) => path.startsWith(prefix));
  if (!route) return { url };
  const [prefix, rewrite] = route;
  const remainder = percentDecode(path.slice(prefix.length));
  return { url: remainder === undefined ? url : prefix + rewrite(remainder) + query };
}
