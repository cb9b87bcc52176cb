import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_KAFKA_SETTINGS, kafkaClient, topicName } from '@app/kafka-relay';
import { describeWithKafka, startTestKafka, until, type TestKafka } from '@app/testing';
import { repository, startServerProcess, type ServerProcess } from '../support/server-process.js';
import { startCollector, type Collector, type ReceivedSpan } from './collector.js';

jest.setTimeout(120_000);

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const JOB = { ...(JSON.parse(readFileSync(join(repository(), 'examples/demo.json'), 'utf8')) as { Job: object }).Job };

/** By the id of the request. */
const HOSTILE = [
  ['nothing', ''],
  ['a-text', 'of course'],
  ['an-unknown-version', `ff-${TRACE}-${CALLER}-01`],
  ['no-trace', `00-${'0'.repeat(32)}-${CALLER}-01`],
  ['no-span', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['capitals', `00-${TRACE.toUpperCase()}-${CALLER}-01`],
  ['too-much', `00-${TRACE}-${CALLER}-01-more`],
  ['two-of-them', `00-${TRACE}-${CALLER}-01, 00-${TRACE}-${CALLER}-01`],
  ['very-long', `00-${TRACE}-${CALLER}-01${'x'.repeat(8000)}`],
] as const;

describeWithKafka('traces', () => {
  let kafka: TestKafka;
  let collector: Collector;
  let server: ServerProcess;
  const log: string[] = [];

  beforeAll(async () => {
    [kafka, collector] = await Promise.all([startTestKafka(), startCollector()]);
    server = await startServerProcess({
      env: {
        KAFKA_BROKERS: kafka.brokers.join(','),
        ROLLBOOK_LOG_LEVEL: 'debug',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20key',
        OTEL_SERVICE_NAME: 'ledger',
        OTEL_BSP_SCHEDULE_DELAY: '100',
      },
      onLog: (text) => void log.push(text),
    });
  });
  afterAll(async () => {
    await server?.stop();
    await Promise.all([kafka?.stop(), collector?.close()]);
  });

  const send = (id: string, headers: Record<string, string>): Promise<Response> =>
    fetch(`${server.url}/v1/jobs`, {
      method: 'PUT',
      headers,
      body: JSON.stringify({ Job: { ...JOB, ID: id, Name: id } }),
    });
  const ofTrace = (traceId: string): readonly ReceivedSpan[] =>
    collector.spans.filter((span) => span.traceId === traceId);
  const spanOf = (traceId: string, name: string): ReceivedSpan | undefined =>
    ofTrace(traceId).find((span) => span.name === name);
  const lines = (): Record<string, unknown>[] =>
    log
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test('one trace leads from the caller through the request and the append to Kafka', async () => {
    const answer = await send('traced', { traceparent: `00-${TRACE}-${CALLER}-01`, 'x-request-id': 'req-1' });
    const index = Number(answer.headers.get('x-nomad-index'));
    await until('all spans have come', () => ofTrace(TRACE).some(({ name }) => name.startsWith('publish ')), 60_000);
    await until('the request has come', () => spanOf(TRACE, 'PUT /v1/jobs') !== undefined);

    const request = spanOf(TRACE, 'PUT /v1/jobs')!;
    expect(request.parentSpanId).toBe(CALLER);
    expect(request.service).toBe('ledger');
    expect(request.attributes.get('http.response.status_code')).toBe('200');
    expect(request.attributes.get('rollbook.request_id')).toBe('req-1');
    const command = ofTrace(TRACE).find(({ name }) => name.startsWith('command '))!;
    expect(command.parentSpanId).toBe(request.spanId);
    const append = spanOf(TRACE, 'append')!;
    expect(append.parentSpanId).toBe(command.spanId);
    const publish = ofTrace(TRACE).find(({ name }) => name.startsWith('publish '))!;
    expect(publish.parentSpanId).toBe(request.spanId);
    for (const span of [request, command, append, publish])
      expect(span.attributes.get('rollbook.index')).toBe(String(index));
    expect(BigInt(append.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(command.startTimeUnixNano));
    expect(BigInt(publish.startTimeUnixNano)).toBeGreaterThan(BigInt(append.startTimeUnixNano));
    expect(collector.keys).toEqual(new Set(['a key']));
  });

  test('the events of the request name its span, in the log and in Kafka', async () => {
    const span = spanOf(TRACE, 'PUT /v1/jobs')!;
    const traceparent = `00-${TRACE}-${span.spanId}-01`;
    const history = (await (await fetch(`${server.url}/v1/operator/rollbook/history/job/traced`)).json()) as readonly {
      RequestID: string;
      TraceID?: string;
    }[];
    expect(history.find(({ RequestID }) => RequestID === 'req-1')!.TraceID).toBe(TRACE);

    const seen: (string | undefined)[] = [];
    const consumer = kafkaClient({ ...DEFAULT_KAFKA_SETTINGS, brokers: kafka.brokers }).consumer({ groupId: 'traces' });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic: topicName(DEFAULT_KAFKA_SETTINGS.prefix, 'events'), fromBeginning: true });
      await consumer.run({
        eachMessage: ({ message }) => Promise.resolve(void seen.push(message.headers?.['traceparent']?.toString())),
      });
      await until('the record has come', () => seen.includes(traceparent), 60_000);
    } finally {
      await consumer.disconnect();
    }
  });

  test('log lines of the request and of its commit have request id, index, streams and trace id', async () => {
    await until('both lines are there', () => lines().filter(({ traceId }) => traceId === TRACE).length >= 2);
    const own = lines().filter(({ traceId }) => traceId === TRACE);
    const committed = own.find(({ msg }) => msg === 'committed')!;
    const answered = own.find(({ msg }) => msg === 'answered')!;
    expect(committed).toMatchObject({
      id: 'req-1',
      streams: expect.arrayContaining(['job/default/traced']) as unknown,
    });
    expect(answered).toMatchObject({ id: 'req-1', method: 'PUT', path: '/v1/jobs', index: committed['index'] });
  });

  test('a traceparent that is none begins a new trace', async () => {
    const before = ofTrace(TRACE).length;
    for (const [id, traceparent] of HOSTILE) {
      const headers = { traceparent, tracestate: 'a=b,'.repeat(50), 'x-request-id': id };
      expect((await send(id, headers)).status).toBe(200);
    }
    const own = (id: string): ReceivedSpan | undefined =>
      collector.spans.find((span) => span.attributes.get('rollbook.request_id') === id);
    await until('their spans have come', () => HOSTILE.every(([id]) => own(id) !== undefined));
    for (const [id] of HOSTILE)
      expect({ id, parent: own(id)!.parentSpanId ?? '', isNew: own(id)!.traceId !== TRACE }).toEqual({
        id,
        parent: '',
        isNew: true,
      });
    expect(ofTrace(TRACE)).toHaveLength(before);
  });

  test('what the caller does not record is not recorded here', async () => {
    const quiet = '5'.repeat(32);
    await send('quiet', { traceparent: `00-${quiet}-${CALLER}-00` });
    await send('after-quiet', { 'x-request-id': 'after-quiet' });
    await until('a later span has come', () =>
      collector.spans.some((span) => span.attributes.get('rollbook.request_id') === 'after-quiet'),
    );
    expect(ofTrace(quiet)).toEqual([]);
  });

  test('probes make no spans', () => {
    expect(collector.spans.filter(({ name }) => /healthz|readyz|metrics/.test(name))).toEqual([]);
  });
});

describe('the SDK of OpenTelemetry', () => {
  /** Starts tracing in a process of its own, with this environment, and tells what that loaded. */
  const loaded = (env: object): string[] => {
    const script = `
      const { loadConfiguration, startTracing } = require('./dist/libs/platform/index.js');
      const log = { info() {}, warn() {} };
      startTracing(loadConfiguration(${JSON.stringify(env)}), { instance: 'i', version: '1' }, log).then((tracing) => {
        const files = Object.keys(require.cache).flatMap((file) => /@opentelemetry\\/([^/]+)/.exec(file)?.[1] ?? []);
        process.stdout.write(JSON.stringify([...new Set(files)]) + (tracing ? '' : ' off'), () => process.exit());
      });`;
    return [execFileSync(process.execPath, ['-e', script], { cwd: repository(), encoding: 'utf8' })];
  };

  test.each([
    ['without a setting', {}],
    ['when it is disabled', { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:1' }],
    ['without an exporter', { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:1' }],
  ])('is not even loaded %s', (_when, env) => {
    expect(loaded(env)).toEqual(['["api"] off']);
  });

  test.each([
    [{ OTEL_TRACES_EXPORTER: 'otlp' }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:1' }],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://localhost:1/x' }],
  ])('is loaded by %j', (env) => {
    const [text] = loaded(env);
    expect(text).toContain('"sdk-trace"');
    expect(text).not.toContain('off');
  });
});
