import fc from 'fast-check';
import { canonicalPath } from './canonical-path.js';

it.each([
  ['/v1/jobs?prefix=a', '/v1/jobs?prefix=a'],
  ['/v1/jobs/', '/v1/jobs/'],
  ['/v1/deployments/', '/v1/deployments/'],
  ['/agent/v1/nodes', '/agent/v1/nodes'],
  ['/v1/job/web', '/v1/job/web'],
  ['/v1/job/', '/v1/job/'],
  ['/v1/job/web/', '/v1/job/web%2F'],
  ['/v1/job/per/periodic-1', '/v1/job/per%2Fperiodic-1'],
  ['/v1/job/per%2Fperiodic-1', '/v1/job/per%2Fperiodic-1'],
  ['/v1/job/per/periodic-1/evaluations?index=3', '/v1/job/per%2Fperiodic-1/evaluations?index=3'],
  ['/v1/job/evaluate', '/v1/job/evaluate'],
  ['/v1/job/web%2Fplan', '/v1/job/web/plan'],
  ['/v1/job/web/periodic/force', '/v1/job/web/periodic/force'],
  ['/v1/job/web/dispatch/payload', '/v1/job/web/dispatch/payload'],
  ['/v1/job/web/versions/gold/tag', '/v1/job/web/versions/gold/tag'],
  ['/v1/job/a/b/versions/gold/tag', '/v1/job/a%2Fb%2Fversions%2Fgold/tag'],
  ['/v1/job/web/tag', '/v1/job/web/tag'],
  ['/v1/job/a%20b%25', '/v1/job/a%20b%25'],
  ['/v1/job/%ff', '/v1/job/%EF%BF%BD'],
  ['/v1/job/%zz', '/v1/job/%zz'],
  ['/v1/deployment/x', '/v1/deployment/x'],
  ['/v1/deployment/fail', '/v1/deployment/fail'],
  ['/v1/deployment/pause/', '/v1/deployment/pause/'],
  ['/v1/deployment/pause/a/b', '/v1/deployment/pause/a%2Fb'],
  ['/v1/deployment/a/fail', '/v1/deployment/a%2Ffail'],
  ['/v1/allocation/x/stop', '/v1/allocation/x/stop'],
  ['/v1/allocation/x%2Fstop', '/v1/allocation/x/stop'],
  ['/v1/allocation/x/stop/now', '/v1/allocation/x/stop/now'],
  ['/v1/evaluation/x/allocations', '/v1/evaluation/x/allocations'],
  ['/v1/node/x/y/drain', '/v1/node/x%2Fy/drain'],
  ['/v1/node/pools', '/v1/node/pools'],
  ['/v1/node/pool/a/b/nodes', '/v1/node/pool/a%2Fb/nodes'],
  ['/v1/namespace', '/v1/namespace'],
  ['/v1/namespace/a/b', '/v1/namespace/a%2Fb'],
  ['/v1/acl/token', '/v1/acl/token'],
  ['/v1/acl/token/self', '/v1/acl/token/self'],
  ['/v1/client/allocation/x/stats', '/v1/client/allocation/x/stats'],
])('%s is routed as %s', (url, canonical) => expect(canonicalPath(url)).toEqual({ url: canonical }));

it.each([
  ['/', '/ui/'],
  ['/?x=1', '/ui/?x=1'],
  ['/v1/job', '/v1/job/'],
  ['/v1/deployment?pretty', '/v1/deployment/?pretty'],
  ['/v1/node/pool', '/v1/node/pool/'],
  ['/v1/job//web', '/v1/job/web'],
  ['/v1/allocation//stop', '/v1/allocation/stop'],
  ['/v1//job', '/v1/job/'],
  ['/v1/job/a/../b?x=//', '/v1/job/b?x=//'],
  ['/v1/job/x/./', '/v1/job/x/'],
  ['//evil.example/', '/evil.example/'],
])('%s is redirected to %s', (url, redirect) => expect(canonicalPath(url)).toEqual({ redirect }));

it('any url is rewritten or redirected without throwing, and a redirect leads to a path that is clean', () => {
  const segments = fc.constantFrom(
    'v1',
    'job',
    'deployment',
    'pause',
    'tag',
    'versions',
    '',
    '.',
    '..',
    '%2F',
    '%',
    '%e2',
    'é',
    'x',
  );
  fc.assert(
    fc.property(fc.array(segments), fc.boolean(), (parts, query) => {
      const answer = canonicalPath(`/${parts.join('/')}${query ? '?a=//' : ''}`);
      if ('redirect' in answer && !answer.redirect.startsWith('/ui/')) {
        const next = canonicalPath(answer.redirect);
        expect('url' in next || next.redirect.startsWith('/ui/')).toBe(true);
      }
    }),
  );
});
