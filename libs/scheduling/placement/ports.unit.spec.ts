import type { NetworkResource } from '@app/domain';
import { node } from '../testing/specs.js';
import { markPorts, offerPorts, reservedPorts } from './ports.js';
import type { PortsInUse } from './ports.js';
import { resourcesOf } from './resources.js';
import { randomFrom } from './random.js';
import { group } from '../testing/specs.js';

const offer = (networks: NetworkResource[], inUse: PortsInUse = new Map(), here = node('n')) =>
  offerPorts(networks, here, inUse, randomFrom('seed'));
const taken = (...ports: number[]): PortsInUse => new Map([['10.0.0.1', new Set(ports)]]);
const narrow = node('n', {
  NodeResources: { ...node('n').NodeResources, MinDynamicPort: 20_000, MaxDynamicPort: 20_002 },
});

describe('ports', () => {
  it('are found on an address of the host network, and mapped inside', () => {
    const networks = [
      { Mode: 'host', ReservedPorts: [{ Label: 'http', Value: 80 }], DynamicPorts: [{ Label: 'rpc', To: -1 }] },
    ];
    const result = offer(networks);
    if (result.kind === 'refused') throw new Error(result.reason);
    const [http, rpc] = result.ports ?? [];
    expect(http).toEqual({ Label: 'http', Value: 80, To: 0, HostIP: '10.0.0.1' });
    expect(rpc?.Value).toBeGreaterThanOrEqual(20_000);
    expect(rpc?.Value).toBeLessThanOrEqual(32_000);
    expect(rpc?.To).toBe(rpc?.Value);
    expect(result.networks).toEqual([
      expect.objectContaining({
        IP: '10.0.0.1',
        ReservedPorts: [expect.objectContaining({ Label: 'http', Value: 80 })],
      }),
    ]);
  });

  it.each<[string, NetworkResource, PortsInUse]>([
    ['reserved port collision http=80', { ReservedPorts: [{ Label: 'http', Value: 80 }] }, taken(80)],
    ['invalid port 70000 (out of range)', { ReservedPorts: [{ Label: 'http', Value: 70_000 }] }, taken()],
    ['no addresses available for private network', { DynamicPorts: [{ Label: 'x', HostNetwork: 'private' }] }, taken()],
    ['dynamic port selection failed', { DynamicPorts: [{ Label: 'x' }] }, taken(20_000, 20_001, 20_002)],
  ])('%s', (reason, network, inUse) => {
    expect(offer([network], inUse, narrow)).toEqual({ kind: 'refused', reason: `network: ${reason}` });
  });

  it('uses the last free port of the range', () => {
    const result = offer([{ DynamicPorts: [{ Label: 'x' }] }], taken(20_000, 20_001), narrow);
    expect(result).toMatchObject({ ports: [{ Value: 20_002 }] });
  });

  it('never gives a dynamic port that a static one of the same group has', () => {
    const networks = [
      { ReservedPorts: [{ Label: 'a', Value: 20_001 }], DynamicPorts: [{ Label: 'b' }, { Label: 'c' }] },
    ];
    const result = offer(networks, taken(), narrow);
    expect(result.kind === 'offered' && result.ports?.map(({ Value }) => Value).sort()).toEqual([
      20_000, 20_001, 20_002,
    ]);
  });

  it('that the node keeps for itself are read from ranges', () => {
    expect(reservedPorts('22,80, 8500-8502')).toEqual([22, 80, 8500, 8501, 8502]);
    expect(reservedPorts('')).toEqual([]);
  });

  it('are free again when their allocation goes', () => {
    const inUse: PortsInUse = new Map();
    const plain = resourcesOf(group());
    const resources = { ...plain, Shared: { ...plain.Shared, Ports: [{ Label: 'a', Value: 80, HostIP: '10.0.0.1' }] } };
    markPorts(inUse, resources, true);
    expect(inUse.get('10.0.0.1')?.has(80)).toBe(true);
    markPorts(inUse, resources, false);
    expect(inUse.get('10.0.0.1')?.has(80)).toBe(false);
  });
});
