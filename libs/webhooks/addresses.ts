import { lookup as lookUp, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Whether an address may be connected to. */
export type IsAllowed = (address: string) => boolean;

/** What no address of the public internet is in: RFC 6890 and what can stand for such an address in IPv6. */
const NOT_PUBLIC: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 96, 'ipv6'],
  ['::ffff:0:0:0', 96, 'ipv6'],
  ['64:ff9b::', 32, 'ipv6'],
  ['100::', 64, 'ipv6'],
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['3fff::', 20, 'ipv6'],
  ['5f00::', 16, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 9, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];

const PRIVATE = new BlockList();
for (const [address, bits, family] of NOT_PUBLIC) PRIVATE.addSubnet(address, bits, family);

/** Public addresses, and those that are allowed besides. */
export const allowing =
  (alsoAllowed: IsAllowed): IsAllowed =>
  (address) => {
    const version = isIP(address);
    if (version === 0) return false;
    return !PRIVATE.check(address, version === 4 ? 'ipv4' : 'ipv6') || alsoAllowed(address);
  };

/** Why nothing is sent there. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';

  constructor(address: string) {
    super(`${address} is no public address, and ROLLBOOK_WEBHOOK_ALLOW_PRIVATE does not name it`);
  }
}

/**
 * Looks a name up and gives the allowed addresses alone: the connection is made to these, so that a name that changes its address between a look and the
 * connection wins nothing.
 */
export const guardedLookup =
  (isAllowed: IsAllowed, find: typeof lookUp = lookUp): LookupFunction =>
  (host, options, done) => {
    find(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error !== null) return done(error, '', 0);
      const allowed = found.filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (first === undefined) return done(new AddressRefused(found[0]?.address ?? host), '', 0);
      if (options.all === true) return done(null, allowed);
      return done(null, first.address, first.family);
    });
  };

/** The address that a URL names itself, without a name to look up; undefined: it has a name. */
export function literalAddress({ hostname }: URL): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return isIP(bare) === 0 ? undefined : bare;
}
