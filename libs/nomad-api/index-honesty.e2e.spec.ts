import { pauseDeployment, setEligibility } from '@app/domain';
import type { Index } from '@app/kernel';
import {
  allocationId,
  DEPLOYMENT,
  idOf,
  jobInput,
  jobSpec,
  NODE,
  nodeDescription,
  nodeIsReady,
  planned,
  registered,
  report,
  reported,
} from '@app/testing';
import { startEdge, type TestEdge } from './testing/edge.module.js';

jest.setTimeout(60_000);

const SECRET = '5ec4e700-0000-4000-8000-000000000001';
const UNKNOWN = idOf(4_040);
const ALLOCATION = allocationId(1);
const KEPT_BEFORE = ['/v1/job/web/evaluations', '/v1/evaluations/count'];

describe('The index of an answer', () => {
  let edge: TestEdge;
  let evaluation: string;
  let turn = 0;

  beforeAll(async () => {
    edge = await startEdge();
    await edge.request('PUT', '/agent/v1/node', { Node: nodeDescription(NODE), SecretID: SECRET });
    await edge.execute(nodeIsReady());
    await edge.request('PUT', '/v1/jobs', { Job: jobInput({ id: 'web' }) });
    evaluation = (await edge.request('GET', '/v1/job/web/evaluations')).json<{ ID: string }[]>()[0]!.ID;
    const place = [{ id: ALLOCATION, deployment: DEPLOYMENT }];
    await edge.execute(planned({ evaluation, deployment: { groups: { app: {} } }, place }));
  });
  afterAll(() => edge?.close());

  /** Commits that touch every table. */
  const moveEverything = async (): Promise<void> => {
    turn++;
    const isOdd = turn % 2 === 1;
    const eligibility = isOdd ? 'ineligible' : 'eligible';
    const outcomes = [
      await edge.execute(registered(jobSpec({ id: 'web', tag: `turn ${turn}` }))),
      await edge.execute(reported([report(ALLOCATION, { clientStatus: isOdd ? 'running' : 'pending' })])),
      await edge.execute((view, context) => pauseDeployment(view, context, { deploymentId: DEPLOYMENT, pause: isOdd })),
      await edge.execute((view, context) => setEligibility(view, context, { nodeId: NODE, eligibility, affected: [] })),
    ];
    for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'accepted' });
  };

  /** Asks while something is committed right after the n-th read of the store: the index, the head before that, and whether there were as many reads. */
  const askedAround = async (
    url: string,
    n: number,
  ): Promise<{ readonly index: Index; readonly before: Index; readonly happened: boolean }> => {
    let [reads, before] = [0, 0];
    edge.afterRead = async () => {
      if (++reads !== n) return;
      before = edge.tail.applied;
      await moveEverything();
    };
    const response = await edge.request('GET', url, undefined, { 'x-nomad-token': SECRET });
    edge.afterRead = undefined;
    expect([url, [200, 404]]).toEqual([url, expect.arrayContaining([response.statusCode])]);
    const index = url.startsWith('/agent')
      ? response.json<{ Index: Index }>().Index
      : response.headers['x-nomad-index'];
    return { index: Number(index), before, happened: reads >= n };
  };

  test.each([
    ...['/v1/jobs', '/v1/jobs?meta=true', '/v1/jobs?filter=Priority==50', '/v1/jobs?prefix=we', '/v1/jobs?per_page=1'],
    ...['/v1/job/web', '/v1/job/web/summary', '/v1/job/web/versions', '/v1/job/web/scale', '/v1/job/web/services'],
    ...['/v1/job/web/deployment', '/v1/job/web/deployments', '/v1/job/web/allocations', '/v1/job/web/evaluations'],
    ...['/v1/jobs/statuses', '/v1/jobs/statuses?filter=Priority==50', '/v1/jobs/statuses?namespace=none'],
    ...[
      '/v1/job/none',
      '/v1/job/none/summary',
      '/v1/job/none/versions',
      '/v1/job/none/scale',
      '/v1/job/none/deployment',
    ],
    ...[
      '/v1/deployments',
      '/v1/deployments?reverse=true',
      '/v1/deployments?per_page=1',
      '/v1/deployments?filter=ID!=x',
    ],
    ...[`/v1/deployment/${DEPLOYMENT}`, `/v1/deployment/${UNKNOWN}`, `/v1/deployment/allocations/${DEPLOYMENT}`],
    ...[`/v1/operator/rollbook/deployment/${DEPLOYMENT}`, `/v1/operator/rollbook/deployment/${UNKNOWN}`],
    ...[
      '/v1/allocations',
      '/v1/allocations?resources=true',
      '/v1/allocations?filter=JobID==web',
      '/v1/allocations?prefix=00',
    ],
    ...[`/v1/allocation/${ALLOCATION}`, `/v1/allocation/${UNKNOWN}`, `/v1/allocation/${UNKNOWN}/services`],
    ...['/v1/evaluations', '/v1/evaluations/count', '/v1/evaluations?filter=JobID==web', `/v1/evaluation/${UNKNOWN}`],
    ...['/v1/nodes', '/v1/nodes?resources=true', '/v1/nodes?filter=ID!=x', `/v1/node/${NODE}`, `/v1/node/${UNKNOWN}`],
    ...[`/v1/node/${NODE}/allocations`, `/v1/node/${UNKNOWN}/allocations`, '/v1/node/pool/all/nodes'],
    ...[
      '/v1/node/pool/default/jobs',
      '/v1/operator/rollbook/history/job/web',
      '/v1/operator/rollbook/history/job/none',
    ],
    ...['/v1/namespaces', '/v1/namespace/none', '/v1/node/pools', '/v1/node/pool/none', '/v1/vars', '/v1/var/none'],
    ...[`/agent/v1/node/${NODE}/allocations`],
  ])('is never newer than its content: %s', async (url) => {
    let injected = 0;
    // Who asks is found out before the agents' index is taken.
    for (let n = url.startsWith('/agent') ? 2 : 1; ; n++) {
      const { index, before, happened } = await askedAround(url, n);
      if (!happened) break;
      injected++;
      expect([n, index]).toEqual([n, Math.min(index, before)]);
    }
    // What was kept of a list before is refreshed from memory, with no step at which anything could come between.
    if (!KEPT_BEFORE.includes(url)) expect(injected).toBeGreaterThan(0);
  });

  describe('beside rows of which one goes before its object is read', () => {
    const goneBetween = async <T>(url: string, go: () => Promise<unknown>): Promise<T[]> => {
      let isFirst = true;
      edge.afterRead = async () => {
        if (!isFirst) return;
        isFirst = false;
        await go();
      };
      const response = await edge.request('GET', url);
      edge.afterRead = undefined;
      expect([url, response.statusCode]).toEqual([url, 200]);
      return response.json<T[]>();
    };

    test.each(['/v1/jobs?meta=true', '/v1/jobs?meta=true&filter=Name!=x', '/v1/node/pool/default/jobs'])(
      'none is shown with the data of its neighbour: %s',
      async (url) => {
        for (const id of ['aa', 'bb'])
          await edge.request('PUT', '/v1/jobs', { Job: jobInput({ id, more: { Meta: { id } } }) });
        const jobs = await goneBetween<{ ID: string; Meta?: object; JobSummary: { JobID: string } | null }>(url, () =>
          edge.request('DELETE', '/v1/job/aa?purge=true'),
        );
        expect(jobs.map(({ ID }) => ID)).toEqual(expect.arrayContaining(['bb', 'web']));
        for (const { ID, Meta, JobSummary } of jobs) {
          expect(JobSummary?.JobID ?? ID).toBe(ID);
          if (Meta && ID !== 'web') expect(Meta).toEqual({ id: ID });
        }
      },
    );

    test.each(['/v1/allocations?per_page=1000&resources=true', '/v1/allocations?per_page=1000&task_states=false'])(
      'no allocation is: %s',
      async (url) => {
        await edge.execute((view, context) =>
          setEligibility(view, context, { nodeId: NODE, eligibility: 'eligible', affected: [] }),
        );
        const of = async (jobId: string, id: string): Promise<void> => {
          await edge.request('PUT', '/v1/jobs', { Job: jobInput({ id: jobId }) });
          const all = (await edge.request('GET', `/v1/job/${jobId}/evaluations`)).json<
            { ID: string; Status: string }[]
          >();
          const { ID } = all.find(({ Status }) => Status === 'pending')!;
          expect(await edge.execute(planned({ jobId, evaluation: ID, place: [{ id }] }))).toMatchObject({
            kind: 'accepted',
          });
        };
        const [first, second] = [allocationId(100 + 2 * turn), allocationId(101 + 2 * turn++)];
        await of('aa', first);
        await of('bb', second);
        const rows = await goneBetween<{ ID: string; JobID: string }>(url, () =>
          edge.request('DELETE', '/v1/job/aa?purge=true'),
        );
        expect(rows.map(({ ID, JobID }) => [ID, JobID])).toEqual(
          expect.arrayContaining([
            [ALLOCATION, 'web'],
            [second, 'bb'],
          ]),
        );
        expect(rows.map(({ ID }) => ID)).not.toContain(first);
        const whole = await edge.request('GET', url.replace('per_page=1000&', ''));
        expect(whole.json<{ ID: string }[]>().map(({ ID }) => ID)).not.toContain(first);
        await edge.request('DELETE', '/v1/job/bb?purge=true');
      },
    );
  });

  test('of an evaluation with its relatives is never newer than its content', async () => {
    for (const url of [`/v1/evaluation/${evaluation}`, `/v1/evaluation/${evaluation}?related=true`]) {
      const { index, before, happened } = await askedAround(url, 1);
      expect([happened, index]).toEqual([true, Math.min(index, before)]);
    }
  });
});
