import { isIPv4, isIPv6 } from 'node:net';
import { quoted } from '@app/kernel';
import { NUMBER, STRING, text, type Value } from '../values/value.js';
import { wholeOf } from '../values/decimal.js';
import { param, problem, textOf, texts, type FunctionTable } from './function.js';
import { decimalOf, wholeArgument } from './numbers.js';

interface Prefix {
  readonly address: bigint;
  readonly bits: 32 | 128;
  readonly length: number;
}

function prefixOf(value: Value | undefined): Prefix {
  const written = textOf(value);
  const [ip = '', length = '', ...others] = written.split('/');
  const bits = isIPv4(ip) ? 32 : isIPv6(ip) ? 128 : 0;
  if (bits === 0 || others.length > 0 || !/^\d{1,3}$/.test(length) || Number(length) > bits) {
    return problem(`invalid CIDR expression: invalid CIDR address: ${written}`);
  }
  const host = BigInt(bits - Number(length));
  return { address: (addressOf(ip) >> host) << host, bits, length: Number(length) };
}

function addressOf(ip: string): bigint {
  const bytes = (dotted: string) => dotted.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  if (isIPv4(ip)) return bytes(ip);
  const hex = ip.replace(/[\d.]+\.[\d.]+$/, (dotted) => {
    const value = bytes(dotted);
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  });
  const [head, tail] = hex.split('::').map((side) => side.split(':').filter((group) => group !== ''));
  const missing = Array<string>(8 - head!.length - (tail?.length ?? 0)).fill('0');
  const groups = tail === undefined ? head! : [...head!, ...missing, ...tail];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function showAddress(address: bigint, bits: 32 | 128): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((address >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  const written = groups.join(':');
  const zeros = [...written.matchAll(/\b0(?::0)+\b/g)].sort((a, b) => b[0].length - a[0].length)[0];
  if (!zeros) return written;
  return `${written.slice(0, zeros.index).replace(/:$/, '')}::${written.slice(zeros.index + zeros[0].length).replace(/^:/, '')}`;
}

const show = ({ address, bits, length }: Prefix): string => `${showAddress(address, bits)}/${length}`;

function subnet(base: Prefix, newBits: number, number: bigint): Prefix {
  const length = base.length + newBits;
  if (newBits < 0 || length > base.bits) {
    return problem(`insufficient address space to extend prefix of ${base.length} by ${newBits}`);
  }
  if (number < 0n || number >= 1n << BigInt(newBits)) {
    return problem(`prefix extension of ${newBits} does not accommodate a subnet numbered ${number}`);
  }
  return { ...base, length, address: base.address | (number << BigInt(base.bits - length)) };
}

const prefix = param('prefix', STRING);

export const netFunctions: FunctionTable = {
  cidrhost: {
    parameters: [prefix, param('hostnum', NUMBER)],
    run: ([given, host]) => {
      const { address, bits, length } = prefixOf(given);
      const number = wholeOf(decimalOf(host)) ?? problem('a whole number is required', 1);
      const room = 1n << BigInt(bits - length);
      if (number >= room || number < -room) {
        return problem(`prefix of ${length} does not accommodate a host numbered ${number}`);
      }
      return text(showAddress(address + (number < 0n ? room + number : number), bits));
    },
  },
  cidrnetmask: {
    parameters: [prefix],
    run: ([given]) => {
      const { bits, length } = prefixOf(given);
      const host = BigInt(bits - length);
      return text(showAddress((((1n << BigInt(bits)) - 1n) >> host) << host, bits));
    },
  },
  cidrsubnet: {
    parameters: [prefix, param('newbits', NUMBER), param('netnum', NUMBER)],
    run: ([given, newBits, netNumber]) => {
      const number = wholeOf(decimalOf(netNumber)) ?? problem('a whole number is required', 2);
      return text(show(subnet(prefixOf(given), wholeArgument(newBits, 1), number)));
    },
  },
  cidrsubnets: {
    parameters: [prefix],
    rest: param('newbits', NUMBER),
    run: ([given, ...sizes]) => {
      const base = prefixOf(given);
      const end = base.address + (1n << BigInt(base.bits - base.length));
      let next = base.address;
      const found = sizes.map((size, i) => {
        const newBits = wholeArgument(size, i + 1);
        if (newBits < 1) return problem('must extend prefix by at least one bit', i + 1);
        if (newBits > 32) return problem('may not extend prefix by more than 32 bits', i + 1);
        const { length } = subnet(base, newBits, 0n);
        const width = 1n << BigInt(base.bits - length);
        const address = ((next + width - 1n) / width) * width;
        if (address + width > end) {
          return problem(
            `not enough remaining address space for a subnet with a prefix of ${length} bits after ${quoted(showAddress(next, base.bits))}`,
            i + 1,
          );
        }
        next = address + width;
        return show({ ...base, address, length });
      });
      return texts(found);
    },
  },
};
