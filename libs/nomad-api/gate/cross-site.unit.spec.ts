import type { IncomingHttpHeaders } from 'node:http';
import { crossSiteRefusal, isLoopbackAddress, type SiteRules } from './cross-site.js';

const LOOPBACK: SiteRules = { isLoopback: true, allowedOrigins: [], allowedHosts: [] };
const OPEN: SiteRules = { ...LOOPBACK, isLoopback: false };
const HOST = '127.0.0.1:4646';
const isRefused = (headers: IncomingHttpHeaders, rules = LOOPBACK, method = 'PUT'): boolean =>
  crossSiteRefusal({ method, headers: { host: HOST, ...headers } }, rules) !== undefined;

test.each<[string, IncomingHttpHeaders]>([
  ['curl, the CLI and Go clients, which say nothing', {}],
  ['a request without Host (HTTP/1.0)', { host: '' }],
  ['localhost', { host: 'localhost:4646' }],
  ['a name below localhost', { host: 'rollbook.localhost' }],
  ['IPv6', { host: '[::1]:4646' }],
  ['another address, as behind a forwarded port', { host: '192.168.1.5:8080' }],
  ['our own page', { origin: `http://${HOST}`, 'sec-fetch-site': 'same-origin' }],
  ['our own page in a browser without Sec-Fetch', { origin: `http://${HOST}` }],
  ['our own page behind a proxy that changes Host', { origin: 'https://r.test', 'sec-fetch-site': 'same-origin' }],
  ['an address that was typed', { 'sec-fetch-site': 'none' }],
  ['a redirect that a Go client follows', { referer: `http://${HOST}/v1/job` }],
])('Writes are taken from %s', (_who, headers) => {
  expect(isRefused(headers)).toBe(false);
});

test.each<[string, IncomingHttpHeaders]>([
  ['a page of another site', { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }],
  ['a page on another port of this machine', { origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-site' }],
  ['a page on another port, in a browser without Sec-Fetch', { origin: 'http://127.0.0.1:3000' }],
  ['a sandboxed page', { origin: 'null' }],
  ['a form of another site without Origin', { referer: 'http://evil.example/form' }],
  ['a link of another site', { 'sec-fetch-site': 'cross-site' }],
  ['an origin that is none', { origin: 'nonsense' }],
])('Writes are refused from %s', (_who, headers) => {
  expect(isRefused(headers)).toBe(true);
  expect(isRefused(headers, OPEN)).toBe(true);
});

test.each([
  'evil.example',
  'evil.example:4646',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'localhost.'.concat('x'),
])('A listener on a loopback address is not to be called %s', (host) => {
  const rebound = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
  expect(isRefused(rebound)).toBe(true);
  expect(isRefused(rebound, OPEN)).toBe(false);
});

test('Reads are answered to everybody; what begins as a read and becomes a session is none', () => {
  const evil = { host: 'evil.example', origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' };
  for (const method of ['GET', 'HEAD', 'OPTIONS']) expect(isRefused(evil, LOOPBACK, method)).toBe(false);
  expect(isRefused({ ...evil, upgrade: 'websocket' }, LOOPBACK, 'GET')).toBe(true);
  for (const method of ['POST', 'DELETE', 'PATCH']) expect(isRefused(evil, LOOPBACK, method)).toBe(true);
});

test('Sites and names can be allowed, one by one or all', () => {
  const foreign = { origin: 'https://console.example', 'sec-fetch-site': 'cross-site' };
  expect(isRefused(foreign, { ...LOOPBACK, allowedOrigins: ['https://console.example'] })).toBe(false);
  expect(isRefused(foreign, { ...LOOPBACK, allowedOrigins: ['https://other.example'] })).toBe(true);
  expect(isRefused(foreign, { ...LOOPBACK, allowedOrigins: ['*'] })).toBe(false);
  expect(isRefused({ host: 'dev-box:4646' }, { ...LOOPBACK, allowedHosts: ['dev-box'] })).toBe(false);
  expect(isRefused({ host: 'dev-box:4646' }, { ...LOOPBACK, allowedHosts: ['*'] })).toBe(false);
});

test('A loopback address is known in its spellings', () => {
  expect(['127.0.0.1', '127.1.2.3', '::1', 'localhost'].every(isLoopbackAddress)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '1127.0.0.1'].some(isLoopbackAddress)).toBe(false);
});
