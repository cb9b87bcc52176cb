/** Which events the ledger shows: as the search of the log takes them, and up to which commit. */
export interface LedgerFilters {
  readonly kind?: string | undefined;
  readonly type?: string | undefined;
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  readonly about?: string | undefined;
  readonly until?: number | undefined;
}

/** What an address under `/ui` shows. */
export type Place =
  | { readonly page: 'board' | 'jobs' | 'nodes' | 'evaluations' | 'freezes' | 'webhooks' | 'servers' | 'settings' }
  | { readonly page: 'ledger'; readonly filters: LedgerFilters }
  | { readonly page: 'job'; readonly id: string; readonly namespace: string; readonly tab: JobTab }
  | {
      readonly page: 'compare';
      readonly id: string;
      readonly namespace: string;
      readonly from: number;
      readonly to: number;
    }
  | { readonly page: 'deployment' | 'allocation' | 'node' | 'evaluation' | 'webhook'; readonly id: string }
  | { readonly page: 'commit'; readonly index: number }
  | { readonly page: 'unknown'; readonly path: string };

export const JOB_TABS = [
  'overview',
  'deployments',
  'allocations',
  'versions',
  'evaluations',
  'history',
  'definition',
] as const;
export type JobTab = (typeof JOB_TABS)[number];

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const isTab = (text: string | undefined): text is JobTab => JOB_TABS.some((tab) => tab === text);
const INDEX = /^\d{1,15}$/;

/** The moment in a query: an index or an RFC 3339 time; undefined: now. */
export function momentOf(query: string): string | undefined {
  const given = new URLSearchParams(query);
  const text = given.get('at') ?? given.get('as_of') ?? '';
  return INDEX.test(text) || !Number.isNaN(Date.parse(text)) ? text : undefined;
}

/** Reads a path, `/ui/` included, and its query; every address that Nomad's command line prints is among them. */
export function placeOf(path: string, query = ''): Place {
  const rest = path.replace(/^\/ui\/?/, '');
  const parts = rest.split('/').filter((part) => part !== '');
  const [first = '', second] = parts;
  if (first === '' || first === 'rollouts') return { page: 'board' };
  if (first === 'jobs') return second === undefined ? { page: 'jobs' } : jobOf(rest.slice('jobs/'.length), query);
  if (first === 'clients' || first === 'topology')
    return second === undefined ? { page: 'nodes' } : { page: 'node', id: decode(second) };
  if (first === 'deployments' && second !== undefined) return { page: 'deployment', id: decode(second) };
  if (first === 'allocations' && second !== undefined) return { page: 'allocation', id: decode(second) };
  if (first === 'evaluations') {
    const id = second === undefined ? new URLSearchParams(query).get('currentEval') : decode(second);
    return id === null ? { page: 'evaluations' } : { page: 'evaluation', id };
  }
  if (first === 'ledger' && second !== undefined && INDEX.test(second))
    return { page: 'commit', index: Number(second) };
  if (first === 'ledger' && second === undefined) return { page: 'ledger', filters: filtersOf(query) };
  if (first === 'freezes') return { page: 'freezes' };
  if (first === 'webhooks')
    return second === undefined ? { page: 'webhooks' } : { page: 'webhook', id: decode(second) };
  if (first === 'servers') return { page: 'servers' };
  if (first === 'settings') return { page: 'settings' };
  return { page: 'unknown', path: `/${rest}` };
}

const FILTERS = ['kind', 'type', 'actor', 'reason', 'about'] as const;

function filtersOf(query: string): LedgerFilters {
  const given = new URLSearchParams(query);
  const until = given.get('until') ?? '';
  return {
    ...Object.fromEntries(FILTERS.flatMap((name) => (given.get(name) ? [[name, given.get(name)!]] : []))),
    ...(INDEX.test(until) && { until: Number(until) }),
  };
}

/** Encoded ids are one part; raw ones may have slashes: cut at the last `@`, then at a known tab or `versions/<a>..<b>`. */
function jobOf(rest: string, query: string): Place {
  const given = new URLSearchParams(query).get('namespace') ?? 'default';
  const path = rest.replace(/\/$/, '');
  const compared = /^(.+)\/versions\/(\d{1,15})\.\.(\d{1,15})$/.exec(path);
  if (compared !== null) {
    const [, name = '', from, to] = compared;
    return { page: 'compare', ...nameOf(name, given), from: Number(from), to: Number(to) };
  }
  const parts = path.split('/');
  const last = parts.at(-1);
  const tab = parts.length > 1 && isTab(last) ? last : 'overview';
  const name = (parts.length > 1 && isTab(last) ? parts.slice(0, -1) : parts).join('/');
  return { page: 'job', ...nameOf(name, given), tab };
}

function nameOf(name: string, namespace: string): { readonly id: string; readonly namespace: string } {
  const at = name.lastIndexOf('@');
  if (at <= 0) return { id: decode(name), namespace };
  return { id: decode(name.slice(0, at)), namespace: decode(name.slice(at + 1)) };
}

/** The only way to make an address: names from outside are encoded, so none becomes a scheme or a path. */
export const jobAddress = (id: string, namespace: string, tab: JobTab = 'overview'): string =>
  `/ui/jobs/${encodeURIComponent(id)}@${encodeURIComponent(namespace)}${tab === 'overview' ? '' : `/${tab}`}`;

export const compareAddress = (id: string, namespace: string, from: number, to: number): string =>
  `${jobAddress(id, namespace, 'versions')}/${from}..${to}`;

export const objectAddress = (kind: 'deployments' | 'allocations' | 'clients' | 'evaluations', id: string): string =>
  `/ui/${kind}/${encodeURIComponent(id)}`;

export const webhookAddress = (id: string): string => `/ui/webhooks/${encodeURIComponent(id)}`;

export const commitAddress = (index: number): string => `/ui/ledger/${index}`;

export function ledgerAddress(filters: LedgerFilters): string {
  const query = new URLSearchParams();
  for (const name of FILTERS) if (filters[name]) query.set(name, filters[name]);
  if (filters.until !== undefined) query.set('until', String(filters.until));
  return query.size === 0 ? '/ui/ledger' : `/ui/ledger?${query.toString()}`;
}
