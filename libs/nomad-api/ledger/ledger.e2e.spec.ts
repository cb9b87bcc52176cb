import { allocationId, DEPLOYMENT, jobInput, NODE, nodeIsReady, nodeRegistered, planned } from '@app/testing';
import { startEdge, type TestEdge } from '../testing/edge.module.js';

jest.setTimeout(60_000);

const PATH = '/v1/operator/rollbook/events';

interface Told {
  readonly Index: number;
  readonly Seq: number;
  readonly About: string;
  readonly Namespace: string;
  readonly Type: string;
  readonly Actor: string;
  readonly Reason: string;
  readonly Time: string;
}
interface End {
  readonly Next: string;
  readonly Hidden: number;
  readonly Index: number;
}
interface Density {
  readonly Events: number;
  readonly Hidden: number;
  readonly Complete: boolean;
  readonly Buckets: readonly { Low: number; High: number; From: string; To: string; Events: number }[];
}

describe('The events of the log', () => {
  let edge: TestEdge;
  let management: string;
  let reader: string;
  let nodeReader: string;

  const ask = (query: string, token: string | undefined = management) =>
    edge.request('GET', `${PATH}${query}`, undefined, token === '' ? {} : { 'X-Nomad-Token': token });
  const must = async (method: string, url: string, body: unknown, headers = {}): Promise<Record<string, string>> => {
    const answer = await edge.request(method, url, body, { 'X-Nomad-Token': management, ...headers });
    if (answer.statusCode !== 200) throw new Error(`${method} ${url}: ${answer.statusCode} ${answer.body}`);
    return answer.body === '' ? {} : answer.json();
  };
  const page = async (query: string, token?: string): Promise<{ events: Told[]; end: End }> => {
    const answer = await ask(query, token);
    expect([query, answer.statusCode, answer.headers['content-type']]).toEqual([query, 200, 'application/x-ndjson']);
    expect(answer.body.endsWith('\n')).toBe(true);
    const lines = answer.body.trimEnd().split('\n');
    return { events: lines.slice(0, -1).map((one) => JSON.parse(one) as Told), end: JSON.parse(lines.at(-1)!) as End };
  };
  /** All pages, joined; and what was hidden on all of them. */
  const pages = async (query: string, token?: string): Promise<{ events: Told[]; hidden: number }> => {
    const all: Told[] = [];
    let hidden = 0;
    for (let next: string | undefined; next !== '';) {
      const { events, end } = await page(`${query}${next === undefined ? '' : `&next_token=${next}`}`, token);
      all.push(...events);
      hidden += end.Hidden;
      next = end.Next;
    }
    return { events: all, hidden };
  };
  const density = async (query: string, token?: string): Promise<Density> => {
    const answer = await ask(`/density${query}`, token);
    expect([query, answer.statusCode]).toEqual([query, 200]);
    return answer.json<Density>();
  };

  beforeAll(async () => {
    edge = await startEdge({ acl: true });
    await edge.initialiseKeyring();
    management = (await must('PUT', '/v1/acl/bootstrap', undefined, { 'X-Nomad-Token': '' }))['SecretID']!;
    const tokenWith = async (Name: string, Rules: string): Promise<string> => {
      await must('PUT', `/v1/acl/policy/${Name}`, { Name, Rules });
      return (await must('PUT', '/v1/acl/token', { Name, Type: 'client', Policies: [Name] }))['SecretID']!;
    };
    reader = await tokenWith('reader', 'namespace "default" { capabilities = ["read-job"] }');
    nodeReader = await tokenWith('nodes', 'node { policy = "read" }');
    await must('PUT', '/v1/namespace', { Name: 'shop' });
    await edge.execute(nodeRegistered());
    await edge.execute(nodeIsReady());
    const why = { 'X-Rollbook-Reason*': `UTF-8''${encodeURIComponent('новый Tax rules <b>')}` };
    await must('PUT', '/v1/jobs', { Job: jobInput({ id: 'web' }) }, why);
    await must('PUT', '/v1/jobs?namespace=shop', { Job: { ...jobInput({ id: 'web' }), Namespace: 'shop' } });
    const [first] = (await must('GET', '/v1/job/web/evaluations', undefined)) as unknown as { ID: string }[];
    await edge.execute(
      planned({ evaluation: first!.ID, deployment: { groups: { app: {} } }, place: [{ id: allocationId(1) }] }),
    );
    await must('PUT', '/v1/var/app', { Items: { password: 'hunter2' } });
    for (let n = 0; n < 12; n++)
      await must('PUT', `/v1/deployment/pause/${DEPLOYMENT}`, { DeploymentID: DEPLOYMENT, Pause: n % 2 === 0 });
  });
  afterAll(() => edge?.close());
  afterEach(() => {
    if (edge.faults.length > 0) throw new AggregateError(edge.faults.splice(0), 'unplanned');
  });

  test('are told in one line, by commits and within them, with who and why; the last line says that it is the last', async () => {
    const { events, end } = await page('?limit=1000');
    const log = await edge.store.readAfter(0, 100_000);
    expect(events.map(({ Index, Seq, About, Type }) => [Index, Seq, About, Type])).toEqual(
      log.map(({ index, seq, stream, type }) => [index, seq, stream, type]),
    );
    expect(end).toEqual({ Next: '', Hidden: 0, Index: log.at(-1)!.index });
    const registered = events.find(({ About }) => About === 'job/default/web')!;
    expect(registered).toMatchObject({
      ...{ Namespace: 'default', Type: 'JobRegistered', Reason: 'новый Tax rules <b>' },
      Actor: expect.stringMatching(/^token /) as string,
    });
    expect(events.find(({ Type }) => Type === 'DeploymentCreated')?.Namespace).toBe('default');
  });

  test('hold no secret', async () => {
    const { body } = await ask('?limit=1000');
    expect(body).toContain('NodeRegistered');
    expect(body).not.toMatch(/igest"|"sealed"|hunter2/);
  });

  test.each(['asc', 'desc'])('come page by page, and the pages are the whole: %s', async (order) => {
    const { events } = await page('?limit=1000');
    const joined = await pages(`?limit=3&order=${order}`);
    expect(joined.events).toEqual(order === 'asc' ? events : [...events].reverse());
  });

  test('are found by what they are about, their kind, their type, who did it and why', async () => {
    const { events } = await page('?limit=1000');
    const actor = events.find(({ Type }) => Type === 'DeploymentPaused')!.Actor;
    const cases: [string, (one: Told) => boolean][] = [
      [`?about=deployment/${DEPLOYMENT}`, ({ About }) => About === `deployment/${DEPLOYMENT}`],
      ['?about=job/default/web&about=job/shop/web', ({ About }) => /^job\/.*\/web$/.test(About)],
      [`?about=node%2F${NODE}`, ({ About }) => About === `node/${NODE}`],
      ['?kind=job&kind=node', ({ About }) => /^(job|node)\//.test(About)],
      ['?type=DeploymentPaused', ({ Type }) => Type === 'DeploymentPaused'],
      [
        `?actor=${encodeURIComponent(actor)}&kind=deployment`,
        (one) => one.Actor === actor && one.About.startsWith('deployment'),
      ],
      ['?reason=tax', ({ Reason }) => Reason !== ''],
      ['?reason=RULES%20нов&kind=job', ({ Reason, About }) => Reason !== '' && About.startsWith('job/')],
      ['?reason=tax%20unsaid', () => false],
      ['?kind=acl-role', () => false],
    ];
    for (const [query, fits] of cases)
      expect([query, (await page(`${query}&limit=1000`)).events]).toEqual([query, events.filter(fits)]);
  });

  test('begin and end at commits or times', async () => {
    const { events } = await page('?limit=1000');
    const middle = events[Math.floor(events.length / 2)]!;
    const found = async (query: string): Promise<Told[]> => (await page(`${query}&limit=1000`)).events;
    expect(await found(`?after=${middle.Index}`)).toEqual(events.filter(({ Index }) => Index > middle.Index));
    expect(await found(`?before=${middle.Index}`)).toEqual(events.filter(({ Index }) => Index < middle.Index));
    const laterBegins = events.find(({ Time }) => Date.parse(Time) > Date.parse(middle.Time))!.Index;
    const time = encodeURIComponent(middle.Time);
    expect((await found(`?after=${time}`))[0]!.Index).toBeLessThanOrEqual(laterBegins);
    expect((await found(`?after=${time}`)).every(({ Index }) => Index > middle.Index)).toBe(true);
    expect((await found(`?before=${time}`)).every(({ Index }) => Index < middle.Index)).toBe(true);
    expect(await found(`?after=${middle.Time.replace('Z', '-00:00').replace(/\.\d+/, '')}`)).not.toEqual([]);
    expect(await found('?before=2001-01-01T00:00:00Z')).toEqual([]);
    expect(await found('?after=2200-01-01T00:00:00Z')).toEqual([]);
    expect(await found(`?after=${2 ** 53 - 1}`)).toEqual([]);
    expect(await found('?before=0')).toEqual([]);
  });

  test('cannot be asked for in a way that would show something else', async () => {
    const refused = [
      ...[
        '?kinds=job',
        '?as_of=1',
        '?namespace=default',
        '?index=3',
        '?limit=0',
        '?limit=1001',
        '?limit=x',
        '?order=up',
      ],
      ...['?kind=cat', '?kind=__proto__', '?type=toString', '?about=cat/tom', '?about=deployment', '?about=job/web'],
      ...['?about=job//web', '?after=yesterday', '?before=-1', '?after=99999999999999999999', '?next_token=1.2.3'],
      ...['?actor=%00', '?reason=a%00b', `?reason=${'x'.repeat(257)}`, `?${'about=node/x&'.repeat(21)}`],
      ...['?related=true', '?related=true&about=node/x', '?related=maybe&about=job/a/b', '/density?order=asc'],
      ...['/density?by=mood', '/density?buckets=241', '/density?buckets=0', '/density?limit=3'],
    ];
    for (const query of refused) {
      const { statusCode, body } = await ask(query);
      expect([query, statusCode, body.length > 10]).toEqual([query, 400, true]);
    }
  });

  test('are looked for by any text without harm', async () => {
    const odd = [
      "'",
      '&|!()<->:*',
      '\\',
      'a:*',
      '"',
      'x'.repeat(256),
      '😀'.repeat(128),
      '\ud800',
      '%',
      '{}',
      'a\tb\n',
      '﷽'.repeat(256),
      ' ',
    ];
    for (const text of odd)
      for (const name of ['reason', 'actor', 'about']) {
        const value = encodeURIComponent((name === 'about' ? `node/${text}` : text).toWellFormed());
        const { statusCode } = await ask(`?${name}=${value}`);
        expect([name, text, statusCode]).toEqual([name, text, 200]);
      }
  });

  test('are told to who may read jobs of their namespace, and the others counted, whatever is asked for', async () => {
    const { events } = await page('?limit=1000');
    const mine = events.filter(
      ({ About, Namespace }) => /^(job|deployment|allocation|evaluation)/.test(About) && Namespace === 'default',
    );
    const others = events.length - mine.length;
    expect(mine.length).toBeGreaterThan(10);
    for (const limit of [2, 1000])
      for (const order of ['asc', 'desc']) {
        const joined = await pages(`?limit=${limit}&order=${order}`, reader);
        expect(joined).toEqual({ events: order === 'asc' ? mine : [...mine].reverse(), hidden: others });
      }
    // Of what is hidden a filter says nothing.
    expect(await pages('?limit=5&type=VariableWritten', reader)).toEqual({ events: [], hidden: others });
    expect(await pages('?limit=5&reason=tax', reader)).toMatchObject({ hidden: others });
    expect((await pages('?kind=node', nodeReader)).events.map(({ About }) => About)).toContain(`node/${NODE}`);
    expect((await pages('?kind=job', nodeReader)).events).toEqual([]);
  });

  test('about what may not be seen are refused by its name, or as if it were not there', async () => {
    expect((await ask('?about=job/shop/web', reader)).statusCode).toBe(403);
    expect((await ask('?about=job/none/web', reader)).statusCode).toBe(403);
    expect((await ask(`?about=node/${NODE}`, reader)).statusCode).toBe(403);
    expect((await ask('/density?about=variable/default/app', reader)).statusCode).toBe(403);
    const shop = (await page('?kind=evaluation&limit=1000')).events.find(({ Namespace }) => Namespace === 'shop')!;
    expect(await page(`?about=${shop.About}`, reader)).toMatchObject({ events: [], end: { Hidden: 0 } });
    for (const token of ['', 'unknown']) expect((await ask('', token)).statusCode).toBe(403);
  });

  test('are counted for a slider, each in one bucket', async () => {
    const { events } = await page('?limit=1000');
    const last = events.at(-1)!.Index;
    for (const by of ['index', 'time'])
      for (const buckets of [1, 7, 240]) {
        const answer = await density(`?by=${by}&buckets=${buckets}`);
        expect(answer).toMatchObject({ Events: events.length, Hidden: 0, Complete: true });
        expect(answer.Buckets[0]!.Low).toBe(1);
        expect(answer.Buckets.at(-1)!.High).toBe(last);
        for (const { Low, High, Events } of answer.Buckets)
          expect(Events).toBe(events.filter(({ Index }) => Index >= Low && Index <= High).length);
      }
    const paused = events.filter(({ Type }) => Type === 'DeploymentPaused').length;
    expect((await density('?type=DeploymentPaused&buckets=5')).Events).toBe(paused);
    expect((await density('?reason=tax')).Events).toBe(events.filter(({ Reason }) => Reason !== '').length);
    expect(await density('?after=100000')).toMatchObject({ Events: 0, Buckets: [] });
    const { events: mine, hidden } = await pages('?limit=1000', reader);
    expect(await density('?by=time', reader)).toMatchObject({ Events: mine.length, Hidden: hidden });
  });

  test('of a job and all that it has brought forth are one line, also when it was purged', async () => {
    const related = async (about: string): Promise<Set<string>> =>
      new Set((await page(`?related=true&limit=1000&about=${about}`)).events.map(({ About }) => About.split('/')[0]!));
    const kinds = new Set(['job', 'deployment', 'allocation', 'evaluation']);
    expect(await related('job/default/web')).toEqual(kinds);
    expect(await related(`deployment/${DEPLOYMENT}`)).toEqual(new Set(['deployment', 'allocation', 'evaluation']));
    const { events } = await page('?related=true&limit=1000&about=job/default/web', reader);
    expect(events.map(({ Index }) => Index)).toEqual(events.map(({ Index }) => Index).sort((a, b) => a - b));
    await must('DELETE', '/v1/job/web?purge=true', undefined);
    expect((await edge.request('GET', '/v1/job/web', undefined, { 'X-Nomad-Token': management })).statusCode).toBe(404);
    expect(await related('job/default/web')).toEqual(kinds);
  });
});
