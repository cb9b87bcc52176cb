import { networks } from './networks.js';

test('Addresses are found in networks, by their numbers and by the names of networks', () => {
  const isProxy = networks(['10.1.0.0/16', '192.0.2.7', 'loopback', '2001:db8::/32']);
  for (const address of ['10.1.2.3', '192.0.2.7', '127.0.0.1', '::1', '2001:db8::1', '::ffff:10.1.2.3'])
    expect([address, isProxy(address)]).toEqual([address, true]);
  for (const address of ['10.2.0.1', '192.0.2.8', '2001:db9::1', '', 'unknown', '10.1.2.3, 9.9.9.9'])
    expect([address, isProxy(address)]).toEqual([address, false]);
});

test('Nobody is in no network', () => {
  expect(networks([])('127.0.0.1')).toBe(false);
});
