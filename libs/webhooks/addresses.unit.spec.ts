import type { lookup } from 'node:dns';
import { networks } from '@app/platform';
import { AddressRefused, allowing, guardedLookup, literalAddress } from './addresses.js';

const nothingMore = allowing(() => false);

describe('Addresses that webhooks are sent to', () => {
  test.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1'],
    ...['172.31.255.255', '192.168.1.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1'],
    ...['fc00::1', 'fd12:3456::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:7f00:1', '::127.0.0.1'],
    ...['64:ff9b::a00:1', '64:ff9b:1::a00:1', '2002:7f00:1::', '2001::1', 'fec0::1', 'not an address', ''],
  ])('are not %s', (address) => {
    expect(nothingMore(address)).toBe(false);
  });

  test.each(['1.1.1.1', '172.32.0.1', '192.167.255.255', '2606:4700::1111', '::ffff:1.1.1.1', '2a00:1450::1'])(
    'may be %s',
    (address) => {
      expect(nothingMore(address)).toBe(true);
    },
  );

  test('may be private ones that are named', () => {
    const isAllowed = allowing(networks(['10.0.0.0/8', 'loopback']));
    expect(['10.9.9.9', '127.0.0.1', '::1', '192.168.0.1', '169.254.169.254'].map(isAllowed)).toEqual([
      ...[true, true, true, false, false],
    ]);
  });

  test.each([
    ['http://127.0.0.1/', '127.0.0.1'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://0x7f.1/', '127.0.0.1'],
    ['http://0177.0.0.1/', '127.0.0.1'],
    ['http://[::1]:80/', '::1'],
    ['http://[::ffff:10.0.0.1]/', '::ffff:a00:1'],
    ['http://chat.example/', undefined],
  ])('are known in whatever spelling: %s', (url, address) => {
    expect(literalAddress(new URL(url))).toBe(address);
    if (address !== undefined) expect(nothingMore(address)).toBe(false);
  });
});

describe('Looking a name up', () => {
  const look = (addresses: readonly string[], all: boolean): Promise<unknown> => {
    const find = ((_host: string, _options: unknown, done: (...given: unknown[]) => void) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )) as unknown as typeof lookup;
    return new Promise((resolve, reject) => {
      guardedLookup(nothingMore, find)('name.example', { all }, (error, address) =>
        error === null ? resolve(address) : reject(error),
      );
    });
  };

  test('gives the allowed addresses alone, as the connection is made to what it gives', async () => {
    expect(await look(['127.0.0.1', '1.1.1.1'], true)).toEqual([{ address: '1.1.1.1', family: 4 }]);
    expect(await look(['10.0.0.1', '2606:4700::1'], false)).toBe('2606:4700::1');
  });

  test('refuses a name that has no allowed address', async () => {
    await expect(look(['127.0.0.1', '::1'], true)).rejects.toThrow(AddressRefused);
    await expect(look([], true)).rejects.toThrow('name.example');
  });
});
