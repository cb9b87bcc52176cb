import { get } from 'node:http';
import { demoJob } from './jobs.js';
import { framesUntil, openStream, type Frame } from './stream-client.js';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';

const BOUND_MS = 120_000;
jest.setTimeout(BOUND_MS);

describe('The event stream', () => {
  let server: ServerProcess;
  let head = 0;

  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(server.url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    return { status: answer.status, index: Number(answer.headers.get('x-nomad-index')), text: await answer.text() };
  };
  const open = (query: string, headers: Record<string, string> = {}) => openStream(server.url, query, headers);
  const replay = async (query: string, headers: Record<string, string> = {}): Promise<Frame[]> =>
    framesUntil(await open(query, headers), () => false);
  const data = (frames: readonly Frame[]): Frame[] => frames.filter(({ Events }) => Events !== undefined);
  const indexes = (frames: readonly Frame[]): number[] => data(frames).map(({ Index }) => Index!);

  beforeAll(async () => {
    server = await startServerProcess();
    await send('PUT', '/v1/jobs', { Job: demoJob('a:b') }, { 'X-Rollbook-Reason': 'the first' });
    await send('PUT', '/v1/jobs', { Job: demoJob('web') });
    const stopped = await send('DELETE', '/v1/job/web');
    const stream = await open(`index=${stopped.index}&topic=Evaluation:web`);
    const last = await framesUntil(
      stream,
      ({ Events }) => Events?.some(({ Type }) => Type === 'EvaluationUpdated') ?? false,
    );
    head = last.at(-1)!.Index!;
  }, BOUND_MS);

  afterAll(() => server?.stop());

  test('ends where it is told, and is the same from the beginning and in pieces', async () => {
    const whole = data(await replay(`index=1&to=${head}`));
    expect(whole.length).toBeGreaterThan(3);
    const cut = indexes(whole)[2]!;
    const pieces = [...data(await replay(`index=0&to=${cut}`)), ...data(await replay(`index=${cut + 1}&to=${head}`))];
    expect(pieces).toEqual(whole);
    expect(indexes(await replay(`index=${cut}&to=${cut}`))).toEqual([cut]);
  });

  test('is told as Server-Sent Events, and goes on after the last id', async () => {
    const sse = { Accept: 'text/event-stream' };
    const stream = await open(`index=1&to=${head}`, sse);
    expect(stream.headers['content-type']).toBe('text/event-stream');
    const frames = data(await framesUntil(stream, () => false));
    expect(frames).toEqual(data(await replay(`index=1&to=${head}`)));
    const resumed = await replay(`index=1&to=${head}`, { ...sse, 'Last-Event-ID': String(frames[1]!.Index) });
    expect(data(resumed)).toEqual(frames.slice(2));
  });

  test('says who and why, shortens payloads, and takes keys with colons', async () => {
    const [frame] = data(await replay(`index=1&to=${head}&topic=Job:a%253Ab&meta=true&payload=stub`));
    expect(frame!.Meta).toMatchObject({ Actor: 'anonymous', Reason: 'the first' });
    expect(frame!.Events![0]).toMatchObject({ Topic: 'Job', Type: 'JobRegistered', Key: 'a:b' });
    expect(frame!.Events![0]!.Payload['Job']).not.toHaveProperty('TaskGroups');
  });

  test('is compressed for who means it, and for nobody else', async () => {
    const packed = await open(`index=1&to=${head}`, { 'Accept-Encoding': 'gzip' });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(data(await framesUntil(packed, () => false))).toEqual(data(await replay(`index=1&to=${head}`)));
    const plain = await open(`index=1&to=${head}`, { 'Accept-Encoding': 'gzip, deflate' });
    expect(plain.headers['content-encoding']).toBeUndefined();
    plain.close();
  });

  test('has heartbeats that say how far it is, also where nothing is wanted', async () => {
    const frames = await framesUntil(
      await open('index=1&topic=Job:nope&heartbeat=100ms'),
      ({ Head = 0 }) => Head >= head,
    );
    expect(frames[0]).toEqual({ Head: 0 });
  });

  test('from now on has nothing of before', async () => {
    const stream = await open('index=-1&topic=Node');
    const node = (JSON.parse((await send('GET', '/v1/nodes')).text) as { ID: string }[])[0]!;
    const { index } = await send('PUT', `/v1/node/${node.ID}/eligibility`, { Eligibility: 'ineligible' });
    const frames = await framesUntil(stream, ({ Events }) => Events !== undefined);
    expect(indexes(frames)).toEqual([index]);
    await send('PUT', `/v1/node/${node.ID}/eligibility`, { Eligibility: 'eligible' });
  });

  test('refuses what it does not understand', async () => {
    const refusals = ['index=-2', 'to=x', 'heartbeat=1ms', 'heartbeat=x', 'payload=x', 'meta=x', 'gzip=x'];
    for (const query of refusals)
      expect([query, (await send('GET', `/v1/event/stream?${query}`)).status]).toEqual([query, 400]);
    const last = { Accept: 'text/event-stream', 'Last-Event-ID': 'x' };
    expect((await send('GET', '/v1/event/stream', undefined, last)).status).toBe(400);
  });

  test('costs the server nothing when clients vanish', async () => {
    for (let n = 0; n < 20; n++) (await open('index=1')).close();
    const silent = get(`${server.url}/v1/event/stream?index=1`);
    silent.on('error', () => undefined).on('response', (response) => response.pause());
    expect((await send('GET', '/v1/jobs')).status).toBe(200);
    silent.destroy();
  });

  test('loses and doubles nothing for who resumes after the server was killed', async () => {
    const seen: Frame[] = [];
    const before = await open('index=1');
    const reading = (async () => {
      for await (const frame of before.frames) if (frame.Index !== undefined) seen.push(frame);
    })();
    await send('PUT', '/v1/jobs', { Job: demoJob('killed') });
    await server.kill();
    await reading;
    server = await startServerProcess({ dataDir: server.dataDir, port: server.port });
    const { index } = await send('PUT', '/v1/jobs', { Job: demoJob('after') });
    const resumed = await replay(`index=${(seen.at(-1)?.Index ?? 0) + 1}&to=${index}`);
    expect([...seen, ...data(resumed)]).toEqual(data(await replay(`index=1&to=${index}`)));
  });
});
