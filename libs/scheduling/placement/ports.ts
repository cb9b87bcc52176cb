import {
  MAX_PORT,
  type AllocatedPortMapping,
  type AllocatedResources,
  type NetworkResource,
  type NodeDescription,
  type Port,
} from '@app/domain';

const DEFAULT_MIN_PORT = 20_000;
const DEFAULT_MAX_PORT = 32_000;
const RANDOM_PROBES = 20;

/** Ports in use on a node, by IP address. */
export type PortsInUse = Map<string, Set<number>>;

export type PortOffer =
  | {
      readonly kind: 'offered';
      readonly ports: AllocatedPortMapping[] | null;
      readonly networks: NetworkResource[] | null;
    }
  /** Counted in DimensionExhausted. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Addresses of a node that ports can be taken on, by host network. */
export function hostAddresses(node: NodeDescription): ReadonlyMap<string, readonly string[]> {
  const addresses = new Map<string, string[]>();
  const add = (alias: unknown, address: unknown): void => {
    if (typeof address !== 'string' || address === '') return;
    const network = typeof alias === 'string' && alias !== '' ? alias : 'default';
    addresses.set(network, [...(addresses.get(network) ?? []), address]);
  };
  for (const network of node.NodeResources.NodeNetworks ?? []) {
    const list = network['Addresses'];
    if (!Array.isArray(list)) continue;
    for (const entry of list) {
      if (typeof entry === 'object' && entry !== null && !Array.isArray(entry)) add(entry['Alias'], entry['Address']);
    }
  }
  if (!addresses.has('default')) for (const network of node.NodeResources.Networks ?? []) add('default', network['IP']);
  return addresses;
}

/** The ports that the node itself keeps: `22,80,8500-8600`. */
export function reservedPorts(text: string): readonly number[] {
  const ports = new Set<number>();
  // Ranges that say the same again cost no more than a few times all ports.
  let left = 4 * MAX_PORT;
  for (const part of text.split(',')) {
    const [from, to] = part.split('-').map(Number);
    if (part.trim() === '' || from === undefined || Number.isNaN(from)) continue;
    const last = Math.min(to ?? from, MAX_PORT);
    for (let port = Math.max(0, from); port <= last && left > 0; port++, left--) ports.add(port);
  }
  return [...ports];
}

/** Notes the ports of an allocation as in use, or as free again. */
export function markPorts(inUse: PortsInUse, resources: AllocatedResources, taken: boolean): void {
  for (const { HostIP, Value } of resources.Shared.Ports ?? []) {
    if (HostIP === undefined || Value === undefined) continue;
    const ports = inUse.get(HostIP) ?? new Set();
    if (taken) ports.add(Value);
    else ports.delete(Value);
    inUse.set(HostIP, ports);
  }
}

/**
 * Those who hold the static ports that the networks ask for, one for each port that is not free; null when a port is held by none of them.
 * Source: spec/lifecycle §8.7.
 */
export function portHolders<H extends { readonly alloc: { readonly allocatedResources: AllocatedResources } }>(
  networks: readonly NetworkResource[],
  node: NodeDescription,
  inUse: PortsInUse,
  holders: readonly H[],
): readonly H[] | null {
  const addresses = hostAddresses(node);
  const found = new Set<H>();
  for (const { Value = 0, HostNetwork } of networks.flatMap((network) => network.ReservedPorts ?? [])) {
    const candidates = addresses.get(HostNetwork || 'default') ?? [];
    if (candidates.some((ip) => !inUse.get(ip)?.has(Value))) continue;
    const holder = holders.find(({ alloc }) =>
      alloc.allocatedResources.Shared.Ports?.some(
        (port) => port.Value === Value && candidates.includes(port.HostIP ?? ''),
      ),
    );
    if (holder === undefined) return null;
    found.add(holder);
  }
  return [...found];
}

/** Finds a port on an address of the node for each that the networks ask for. Source: spec/lifecycle §8.5. */
export function offerPorts(
  networks: readonly NetworkResource[],
  node: NodeDescription,
  inUse: PortsInUse,
  random: () => number,
): PortOffer {
  const addresses = hostAddresses(node);
  const taken = new Map<string, Set<number>>();
  const ports: AllocatedPortMapping[] = [];
  const offered: NetworkResource[] = [];

  const isFree = (ip: string, port: number): boolean => !inUse.get(ip)?.has(port) && !taken.get(ip)?.has(port);
  const take = (ask: Port, ip: string, value: number): AllocatedPortMapping => {
    taken.set(ip, (taken.get(ip) ?? new Set()).add(value));
    const mapping = { Label: ask.Label ?? '', Value: value, To: ask.To === -1 ? value : (ask.To ?? 0), HostIP: ip };
    ports.push(mapping);
    return mapping;
  };
  const place = (ask: Port, isStatic: boolean): PortOffer | AllocatedPortMapping => {
    const network = ask.HostNetwork || 'default';
    const candidates = addresses.get(network) ?? [];
    if (candidates.length === 0) return refused(`no addresses available for ${network} network`);
    if (!isStatic) {
      for (const ip of candidates) {
        const value = dynamicPort(node, (port) => isFree(ip, port), random);
        if (value !== null) return take(ask, ip, value);
      }
      return refused('dynamic port selection failed');
    }
    const value = ask.Value ?? 0;
    if (value < 0 || value > MAX_PORT) return refused(`invalid port ${value} (out of range)`);
    const ip = candidates.find((address) => isFree(address, value));
    return ip === undefined ? refused(`reserved port collision ${ask.Label ?? ''}=${value}`) : take(ask, ip, value);
  };

  for (const network of networks) {
    const placed: Record<'ReservedPorts' | 'DynamicPorts', Port[]> = { ReservedPorts: [], DynamicPorts: [] };
    let ip = '';
    // Static ports of all networks come first within each network, so that a dynamic one never takes their place.
    for (const [list, isStatic] of [
      ['ReservedPorts', true],
      ['DynamicPorts', false],
    ] as const) {
      for (const ask of network[list] ?? []) {
        const result = place(ask, isStatic);
        if ('kind' in result) return result;
        ip = result.HostIP ?? ip;
        placed[list].push({ ...ask, Value: result.Value ?? 0, To: result.To ?? 0 });
      }
    }
    offered.push({
      ...network,
      IP: ip,
      ReservedPorts: placed.ReservedPorts.length > 0 ? placed.ReservedPorts : null,
      DynamicPorts: placed.DynamicPorts.length > 0 ? placed.DynamicPorts : null,
    });
  }
  return { kind: 'offered', ports: ports.length > 0 ? ports : null, networks: offered.length > 0 ? offered : null };
}

const refused = (reason: string): PortOffer => ({ kind: 'refused', reason: `network: ${reason}` });

function dynamicPort(node: NodeDescription, isFree: (port: number) => boolean, random: () => number): number | null {
  const min = node.NodeResources.MinDynamicPort || DEFAULT_MIN_PORT;
  const max = Math.min(node.NodeResources.MaxDynamicPort || DEFAULT_MAX_PORT, MAX_PORT);
  for (let probe = 0; probe < RANDOM_PROBES; probe++) {
    const port = min + Math.floor(random() * (max - min));
    if (isFree(port)) return port;
  }
  const free: number[] = [];
  for (let port = min; port <= max; port++) if (isFree(port)) free.push(port);
  return free[Math.floor(random() * free.length)] ?? null;
}
