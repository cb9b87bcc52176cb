import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** Which sites and names may write. `*` in a list: all. */
export interface SiteRules {
  /** The listener is reached from this machine only: a foreign name in `Host` is a page that had its own name resolved to it. */
  readonly isLoopback: boolean;
  readonly allowedOrigins: readonly string[];
  readonly allowedHosts: readonly string[];
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);
const OWN_SITE = new Set(['same-origin', 'none']);

export const isLoopbackAddress = (address: string): boolean =>
  address === 'localhost' || address === '::1' || address.startsWith('127.');

/**
 * Why a request that may come from a web page of somebody else is refused; undefined: it is not. Pages can make browsers send requests, also to this
 * machine, and browsers say so. Whoever is no browser sends none of these headers.
 */
export function crossSiteRefusal(
  { method, headers }: { readonly method: string; readonly headers: IncomingHttpHeaders },
  { isLoopback, allowedOrigins, allowedHosts }: SiteRules,
): string | undefined {
  // A page may open a socket wherever it wants: what begins as a read goes on as a session.
  if (READS.has(method) && headers.upgrade === undefined) return undefined;
  const { host = '', origin, referer } = headers;
  if (isLoopback && host !== '' && !isOwnName(nameOf(host), allowedHosts))
    return `writes to a server on a loopback address must name it so, not ${JSON.stringify(host)}: see ROLLBOOK_ALLOWED_HOSTS`;
  if (allowedOrigins.includes('*')) return undefined;
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin') return undefined;
  const from = origin ?? originOf(referer);
  if (from !== undefined && (allowedOrigins.includes(from) || hostOf(from) === host.toLowerCase())) return undefined;
  if (from === undefined && (site === undefined || OWN_SITE.has(String(site)))) return undefined;
  return 'a page of another site may not write here: see ROLLBOOK_ALLOWED_ORIGINS';
}

function isOwnName(name: string, allowed: readonly string[]): boolean {
  if (allowed.includes('*') || allowed.includes(name)) return true;
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0;
}

/** The name in a `Host` header, without port and brackets. */
const nameOf = (host: string): string =>
  host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');

const originOf = (referer: string | undefined): string | undefined =>
  referer !== undefined && URL.canParse(referer) ? new URL(referer).origin : undefined;

/** Host and port as a `Host` header has them. */
const hostOf = (origin: string): string | undefined =>
  URL.canParse(origin) && /^https?:/.test(origin) ? new URL(origin).host : undefined;
