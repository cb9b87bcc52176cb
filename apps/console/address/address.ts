/** What an address under `/ui` shows. */
export type Place =
  | { readonly page: 'board' | 'jobs' | 'nodes' | 'ledger' | 'servers' | 'settings' }
  | { readonly page: 'job'; readonly id: string; readonly namespace: string; readonly tab: JobTab }
  | { readonly page: 'deployment' | 'allocation' | 'node' | 'evaluation'; readonly id: string }
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
    if (id !== null) return { page: 'evaluation', id };
  }
  if (first === 'ledger') return { page: 'ledger' };
  if (first === 'servers') return { page: 'servers' };
  if (first === 'settings') return { page: 'settings' };
  return { page: 'unknown', path: `/${rest}` };
}

/** Encoded ids are one part; raw ones may have slashes: cut at the last `@`, then at a known tab. */
function jobOf(rest: string, query: string): Place {
  const given = new URLSearchParams(query).get('namespace') ?? 'default';
  const parts = rest.replace(/\/$/, '').split('/');
  const last = parts.at(-1);
  const tab = parts.length > 1 && isTab(last) ? last : 'overview';
  const name = (parts.length > 1 && isTab(last) ? parts.slice(0, -1) : parts).join('/');
  const at = name.lastIndexOf('@');
  if (at <= 0) return { page: 'job', id: decode(name), namespace: given, tab };
  return { page: 'job', id: decode(name.slice(0, at)), namespace: decode(name.slice(at + 1)), tab };
}

/** The only way to make an address: names from outside are encoded, so none becomes a scheme or a path. */
export const jobAddress = (id: string, namespace: string, tab: JobTab = 'overview'): string =>
  `/ui/jobs/${encodeURIComponent(id)}@${encodeURIComponent(namespace)}${tab === 'overview' ? '' : `/${tab}`}`;

export const objectAddress = (kind: 'deployments' | 'allocations' | 'clients' | 'evaluations', id: string): string =>
  `/ui/${kind}/${encodeURIComponent(id)}`;
