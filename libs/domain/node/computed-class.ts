import type { NodeDescription } from './state.js';

const UNIQUE = 'unique.';
/** FNV's offset basis, in four pieces of 16 bits from the lowest; its prime is 2^40 + 0x1b3. */
const OFFSET_BASIS: readonly [number, number, number, number] = [0x2325, 0x8422, 0x9ce4, 0xcbf2];
const PRIME_LOW = 0x1b3;
const PIECE = 0x1_0000;

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

/** FNV-1a over UTF-16 code units, low byte first. In pieces of a number each: products of 64 bits would be objects, two for each byte. */
function fnv1a64(text: string): bigint {
  let [a, b, c, d]: readonly [number, number, number, number] = OFFSET_BASIS;
  for (let i = 0; i < 2 * text.length; i++) {
    const unit = text.charCodeAt(i >> 1);
    a ^= i % 2 === 0 ? unit & 0xff : unit >> 8;
    const first = a * PRIME_LOW;
    const second = b * PRIME_LOW + Math.floor(first / PIECE);
    // Times 2^40 moves by two pieces and a half.
    const third = c * PRIME_LOW + Math.floor(second / PIECE) + ((a << 8) & 0xffff);
    const fourth = d * PRIME_LOW + Math.floor(third / PIECE) + (a >> 8) + ((b << 8) & 0xffff);
    a = first % PIECE;
    b = second % PIECE;
    c = third % PIECE;
    d = fourth % PIECE;
  }
  return (BigInt(d) << 48n) | (BigInt(c) << 32n) | (BigInt(b) << 16n) | BigInt(a);
}
