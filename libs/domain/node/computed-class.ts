import type { NodeDescription } from './state.js';

const UNIQUE = 'unique.';
const OFFSET_BASIS = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;
const MASK = 0xffffffffffffffffn;

/**
 * Nodes of one class are alike in everything that feasibility looks at, unless a constraint names a `unique.` attribute: a hash (FNV-1a, 64 bits)
 * over attributes and meta that are not unique, class, datacenter, pool, drivers and network modes. Source: spec/lifecycle §8.2.
 */
export function computedClass(node: NodeDescription): string {
  const shared = (values: Readonly<Record<string, string>> | null): [string, string][] =>
    Object.entries(values ?? {})
      .filter(([key]) => !key.startsWith(UNIQUE))
      .sort(byKey);
  const drivers = Object.entries(node.Drivers)
    .map(([name, { Detected, Healthy }]): [string, boolean, boolean] => [name, Detected, Healthy])
    .sort(byKey);
  const networks = (node.NodeResources.NodeNetworks ?? []).map((network) => [network['Mode'] ?? '', aliases(network)]);
  const parts = [
    node.Datacenter,
    node.NodePool,
    node.NodeClass,
    shared(node.Attributes),
    shared(node.Meta),
    drivers,
    networks,
  ];
  return `v1:${fnv1a64(JSON.stringify(parts))}`;
}

const aliases = (network: { readonly [key: string]: unknown }): unknown[] =>
  Array.isArray(network['Addresses'])
    ? network['Addresses'].map((address: { Alias?: unknown } | null) => address?.Alias ?? '')
    : [];

const byKey = (a: readonly [string, ...unknown[]], b: readonly [string, ...unknown[]]): number =>
  a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;

/** FNV-1a over UTF-16 code units, low byte first. */
function fnv1a64(text: string): bigint {
  let hash = OFFSET_BASIS;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = ((hash ^ BigInt(unit & 0xff)) * PRIME) & MASK;
    hash = ((hash ^ BigInt(unit >> 8)) * PRIME) & MASK;
  }
  return hash;
}
