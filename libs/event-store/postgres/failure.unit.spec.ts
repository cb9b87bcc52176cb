import { isStoreOutage } from './failure.js';

const coded = (code: string): Error => Object.assign(new Error('connect failed'), { code });

describe('A database that is out of reach', () => {
  test.each([
    ['a refused connection', coded('ECONNREFUSED')],
    ['a reset connection', coded('ECONNRESET')],
    ['all addresses refused', new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')])],
    ['a connection lost in the middle of a query', new Error('Connection terminated unexpectedly')],
    ['a query without an answer', new Error('Query read timeout')],
    ['no connection in time', new Error('timeout exceeded when trying to connect')],
    ['what another library wraps', Object.assign(new Error('QueryFailedError'), { driverError: coded('ECONNRESET') })],
  ])('shows as %s', (_what, error) => {
    expect(isStoreOutage(error)).toBe(true);
  });

  test.each([
    ['a mistake in a program', new TypeError('x is undefined')],
    ['a missing file', coded('ENOENT')],
    ['a text', 'Connection terminated'],
  ])('does not show as %s', (_what, error) => {
    expect(isStoreOutage(error)).toBe(false);
  });
});
