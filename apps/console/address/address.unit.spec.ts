import { assert, constantFrom, nat, property, record, string } from 'fast-check';
import { JOB_TABS, jobAddress, ledgerAddress, placeOf } from './address.ts';

describe('addresses of the console', () => {
  it('any job id and namespace come back from their address, with their tab', () => {
    const name = string({ unit: 'binary', minLength: 1 }).filter((text) => text.isWellFormed());
    assert(
      property(name, name, constantFrom(...JOB_TABS), (id, namespace, tab) => {
        expect(placeOf(jobAddress(id, namespace, tab))).toEqual({ page: 'job', id, namespace, tab });
      }),
    );
  });

  it('an address is never more than a path below /ui', () => {
    assert(
      property(
        string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
        (id) => {
          const url = new URL(jobAddress(id, 'default'), 'http://page.test');
          expect(url.host).toBe('page.test');
          expect(url.pathname.startsWith('/ui/jobs/')).toBe(true);
          expect(url.search + url.hash).toBe('');
        },
      ),
    );
  });

  it.each([
    ['/ui/', { page: 'board' }],
    ['/ui/jobs', { page: 'jobs' }],
    ['/ui/jobs/a/b@shop/versions', { page: 'job', id: 'a/b', namespace: 'shop', tab: 'versions' }],
    ['/ui/jobs/web', { page: 'job', id: 'web', namespace: 'default', tab: 'overview' }],
    ['/ui/jobs/%zz', { page: 'job', id: '%zz', namespace: 'default', tab: 'overview' }],
    ['/ui/clients/n1', { page: 'node', id: 'n1' }],
    ['/ui/storage/x', { page: 'unknown', path: '/storage/x' }],
  ])('%s is read', (path, place) => expect(placeOf(path)).toEqual(place));

  it('an evaluation may be named in the query, as Nomad prints it', () =>
    expect(placeOf('/ui/evaluations', '?currentEval=e1')).toEqual({ page: 'evaluation', id: 'e1' }));

  it('the ledger comes back with what it is asked for, whatever that is', () => {
    assert(
      property(
        record(
          {
            kind: string({ minLength: 1 }),
            actor: string({ minLength: 1, unit: 'binary' }).filter((text) => text.isWellFormed()),
            reason: string({ minLength: 1, unit: 'grapheme' }),
            about: string({ minLength: 1 }),
            until: nat(),
          },
          { requiredKeys: [] },
        ),
        (filters) => {
          const url = new URL(ledgerAddress(filters), 'http://localhost');
          expect(placeOf(url.pathname, url.search)).toEqual({ page: 'ledger', filters });
        },
      ),
    );
    expect(placeOf('/ui/ledger', '?until=-1&kind=&foo=bar')).toEqual({ page: 'ledger', filters: {} });
  });
});
