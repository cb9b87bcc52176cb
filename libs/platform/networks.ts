import { BlockList, isIP } from 'node:net';

const NAMED: ReadonlyMap<string, readonly string[]> = new Map([
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['linklocal', ['169.254.0.0/16', 'fe80::/10']],
  ['uniquelocal', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
]);

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6');

/** Tells addresses that are in one of the networks: addresses, `10.0.0.0/8`, `loopback`, `linklocal`, `uniquelocal`. */
export function networks(texts: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const text of texts.flatMap((one) => NAMED.get(one) ?? [one])) {
    const [address = '', bits] = text.split('/');
    if (bits === undefined) list.addAddress(address, family(address));
    else list.addSubnet(address, Number(bits), family(address));
  }
  return (address) => isIP(address) !== 0 && list.check(address, family(address));
}
