import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SECRET_MEMBERS, type KeyringState } from '@app/domain';
import { DEFAULT_KAFKA_SETTINGS } from '@app/kafka-relay';
import { KeyEncryptionKey, Keyring } from '@app/keyring';
import { ROUTES } from '@app/nomad-api';
import { findRunningPostgres } from '@app/platform';
import { nodeDescription, startTestKafka, whyNoKafka, type TestKafka } from '@app/testing';
import { SignJWT } from 'jose';
import { LATEST_TYPES, messagesOf, until } from '../../libs/kafka-relay/testing/topics.js';
import { repository, startServerProcess, type ServerProcess } from '../support/server-process.js';
import { columnsOf, membersOf, streamsOf, type Column } from './database.js';
import { Needles } from './needles.js';
import { dueIn, JOB, lastIndex, NODE, samplesOf } from './reads.js';
import { commandLines, filesBelow, HOOK, ops, RecordingClient, startCollector, type Output } from './run.js';

jest.setTimeout(240_000);

const PREFIX = `secrets-${randomUUID()}`;
/**
 * What of secrets the database keeps. Digests: in the log, what is folded of it, and the rows that tokens are found by. In clear: the id of a lock,
 * which is good for that lock alone and is shown with its variable; and what instances show to each other, new with each start.
 */
const LOCK: readonly string[] = ['lock'];
const KEPT_IN: ReadonlyMap<string, readonly string[]> = new Map([
  ['event.data', ['digest of', ...LOCK]],
  ['stream.state', ['digest of', ...LOCK]],
  ['acl_token.secret_digest', ['digest of']],
  ['acl_one_time_secret.id', ['digest of']],
  ['variable.lock_id', LOCK],
  ['variable.document', LOCK],
  ['lock_renewal.lock_id', LOCK],
  ['command_key.answer', LOCK],
  ['server_instance.secret', ['secret of an instance']],
]);

interface Token {
  readonly AccessorID: string;
  readonly SecretID: string;
  readonly CreateIndex: number;
}

describe('What a run tells the outside', () => {
  const needles = new Needles();
  const outputs: Output[] = [];
  let columns: Column[] = [];
  /** What events hold for the server alone, by type and member. */
  let members: ReadonlyMap<string, readonly string[]> = new Map();
  let kafka: TestKafka | undefined;
  let server: ServerProcess | undefined;
  let agent: ChildProcess | undefined;
  let collector: Awaited<ReturnType<typeof startCollector>> | undefined;
  const directories: string[] = [];

  const keep = (name: string, output: Buffer | string, due: readonly string[] = []): void =>
    void outputs.push({ name, bytes: Buffer.from(output), due });
  const directory = async (): Promise<string> => {
    const made = await mkdtemp(join(tmpdir(), 'rollbook-secrets-'));
    directories.push(made);
    return made;
  };

  beforeAll(async () => {
    kafka = whyNoKafka() === undefined ? await startTestKafka() : undefined;
    collector = await startCollector();
    const kek = needles.add('key encryption key', randomBytes(32).toString('base64'));
    const joinToken = needles.add('join token', `join-${randomUUID()}`);
    const collectorKey = needles.add("collector's key", `collector-${randomUUID()}`);
    const dataDir = await directory();
    const env = {
      ROLLBOOK_ACL: 'true',
      ROLLBOOK_KEY: kek,
      ROLLBOOK_JOIN_TOKEN: joinToken,
      ROLLBOOK_LOG_LEVEL: 'trace',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: `x-key=${collectorKey}`,
      OTEL_BSP_SCHEDULE_DELAY: '200',
      ROLLBOOK_WEBHOOK_ALLOW_PRIVATE: 'loopback',
      ...(kafka && { KAFKA_BROKERS: kafka.brokers.join(','), ROLLBOOK_KAFKA_PREFIX: PREFIX }),
    };
    let serverLog = '';
    server = await startServerProcess({ dataDir, env, onLog: (text) => (serverLog += text) });
    const client = new RecordingClient(server.url);

    // Tokens
    const bootstrap = await client.must<Token>('POST', '/v1/acl/bootstrap', { due: ['bootstrap token'] });
    const token = needles.add('bootstrap token', bootstrap.SecretID);
    const policy = {
      Name: 'all',
      Rules: 'namespace "*" { policy = "write" variables { path "*" { capabilities = ["read", "write"] } } }',
    };
    await client.must('PUT', '/v1/acl/policy/all', { token, body: policy });
    const once = { 'Idempotency-Key': randomUUID() };
    const asked = {
      token,
      body: { Name: 'made', Type: 'client', Policies: ['all'] },
      headers: once,
      due: ['client token'],
    };
    const made = await client.must<Token>('PUT', '/v1/acl/token', asked);
    needles.add('client token', made.SecretID);
    // Told again to whoever sends the request again: from what was kept of the answer.
    await client.must('PUT', '/v1/acl/token', asked);
    const brought = { AccessorID: randomUUID(), SecretID: needles.add('uploaded token', randomUUID()) };
    const upload = { ...brought, Name: 'brought', Type: 'client', Policies: ['all'] };
    const uploadOnce = { 'Idempotency-Key': randomUUID() };
    for (let n = 0; n < 2; n++)
      await client.must('PUT', `/v1/acl/token/${brought.AccessorID}`, {
        token,
        body: upload,
        headers: uploadOnce,
        due: ['uploaded token'],
      });
    const issued = await client.must<{ OneTimeToken: { OneTimeSecretID: string } }>('PUT', '/v1/acl/token/onetime', {
      token: made.SecretID,
      due: ['one-time token'],
    });
    const OneTimeSecretID = needles.add('one-time token', issued.OneTimeToken.OneTimeSecretID);
    await client.must('PUT', '/v1/acl/token/onetime/exchange', { body: { OneTimeSecretID }, due: ['client token'] });
    const kept = await client.must<typeof issued>('PUT', '/v1/acl/token/onetime', {
      token,
      due: ['second one-time token'],
    });
    needles.add('second one-time token', kept.OneTimeToken.OneTimeSecretID);
    await mkdir(join(dataDir, 'server'), { recursive: true });
    await writeFile(join(dataDir, 'server/acl-bootstrap-reset'), String(bootstrap.CreateIndex));
    const BootstrapSecret = needles.add("operator's token", randomUUID());
    await client.must('POST', '/v1/acl/bootstrap', { body: { BootstrapSecret }, due: ["operator's token"] });

    // Nodes
    const SecretID = needles.add('secret of a node', randomUUID());
    const bearer = { authorization: `Bearer ${SecretID}` };
    const registration = { Node: nodeDescription(NODE), SecretID };
    const registered = await client.must<Readonly<Record<string, unknown>>>('PUT', '/agent/v1/node', {
      body: registration,
      headers: { ...bearer, 'x-rollbook-join-token': joinToken },
      due: ['identity of a node'],
    });
    for (const value of Object.values(registered))
      if (typeof value === 'string' && value.split('.').length === 3) needles.add('identity of a node', value);
    await client.must('PUT', `/agent/v1/node/${NODE}/heartbeat`, { body: { Status: 'ready' }, headers: bearer });
    await client.must('GET', `/v1/node/${NODE}`, { token: SecretID });
    const { JWT } = await client.must<{ JWT: string }>('POST', '/v1/acl/identity/client-introduction-token', {
      token,
      body: { NodeName: 'introduced' },
      due: ['introduction'],
    });
    needles.add('introduction', JWT);
    const agentDir = await directory();
    const agentEnv = {
      ...process.env,
      ROLLBOOK_ADDR: server.url,
      ROLLBOOK_DATA_DIR: agentDir,
      ROLLBOOK_JOIN_TOKEN: JWT,
      ROLLBOOK_NODE_NAME: 'introduced',
      ROLLBOOK_LOG_LEVEL: 'trace',
    };
    let agentLog = '';
    agent = spawn(process.execPath, [join(repository(), 'dist/apps/agent/main.js')], {
      env: agentEnv,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [agent.stdout, agent.stderr]) stream!.on('data', (text) => (agentLog += String(text)));
    await until('both nodes are ready', async () => {
      const { text } = await client.ask('GET', '/v1/nodes', { token });
      return (
        (JSON.parse(text) as { Name: string; Status: string }[]).filter(({ Status }) => Status === 'ready').length >= 3
      );
    });
    needles.add('secret of the agent', readFileSync(join(agentDir, 'node-secret'), 'utf8').trim());

    // Webhooks
    const hook = { URL: collector.url + HOOK, Namespace: '*' };
    const hooks = '/v1/operator/rollbook/webhooks';
    const due = ['secret of a webhook'];
    const generated = await client.must<{ Secret: string }>('PUT', `${hooks}/generated`, { token, body: hook, due });
    needles.add('secret of a webhook', generated.Secret);
    const Secret = needles.add('secret that a webhook got', `whsec_${randomBytes(32).toString('base64')}`);
    await client.must('PUT', `${hooks}/given`, { token, body: { ...hook, Secret } });
    await client.must('PUT', `${hooks}/given/test`, { token });

    // Variables and the keyring
    const item = needles.add('item of a variable', `item-${randomUUID()}`);
    const path = encodeURIComponent(`nomad/jobs/${JOB}`);
    await client.must('PUT', `/v1/var/${path}`, { token, body: { Items: { password: item } }, due: ['item'] });
    const locked = await client.must<{ Lock: { ID: string } }>('PUT', '/v1/var/locked?lock-acquire', {
      token,
      body: { Items: { password: item }, Lock: { TTL: '60s' } },
      headers: { 'Idempotency-Key': randomUUID() },
      due: ['item', 'lock'],
    });
    needles.add('lock', locked.Lock.ID);
    await client.must('PUT', '/v1/operator/keyring/rotate?full=true', { token });

    // Whoever logs in
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    needles.add('private key of a method', pem.split('\n')[1]!);
    const clientSecret = needles.add('client secret of a method', `oidc-${randomUUID()}`);
    const methods = [
      {
        Name: 'jwt',
        Type: 'JWT',
        Config: { JWTValidationPubKeys: [String(publicKey.export({ type: 'spki', format: 'pem' }))] },
      },
      {
        Name: 'oidc',
        Type: 'OIDC',
        Config: {
          OIDCDiscoveryURL: 'http://127.0.0.1:1',
          OIDCClientID: 'me',
          OIDCClientSecret: clientSecret,
          AllowedRedirectURIs: ['http://127.0.0.1/callback'],
          OIDCClientAssertion: { KeySource: 'private_key', PrivateKey: { PemKey: pem, KeyID: 'k' } },
        },
      },
    ];
    for (const method of methods)
      await client.must('PUT', '/v1/acl/auth-method', {
        token,
        body: { ...method, MaxTokenTTL: '10m', TokenLocality: 'local' },
      });
    await client.must('PUT', '/v1/acl/binding-rule', {
      token,
      body: { AuthMethod: 'jwt', BindType: 'policy', BindName: 'all' },
    });
    const jwt = await new SignJWT({ sub: 'somebody' })
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
    const LoginToken = needles.add('JWT of a login', jwt);
    const login = await client.must<Token>('POST', '/v1/acl/login', {
      body: { AuthMethodName: 'jwt', LoginToken },
      due: ['token of a login'],
    });
    needles.add('token of a login', login.SecretID);
    const forged = needles.add('forged JWT', `${jwt.slice(0, -20)}AAAAAAAAAAAAAAAAAAAA`);
    await client.ask('POST', '/v1/acl/login', { body: { AuthMethodName: 'jwt', LoginToken: forged } });
    const code = {
      Code: needles.add('OIDC code', `code-${randomUUID()}`),
      State: needles.add('OIDC state', `state-${randomUUID()}`),
    };
    const ClientNonce = needles.add('OIDC nonce', `nonce-${randomUUID()}`);
    const oidc = { AuthMethodName: 'oidc', ClientNonce, RedirectURI: 'http://127.0.0.1/callback', ...code };
    for (const end of ['auth-url', 'complete-auth']) await client.ask('POST', `/v1/acl/oidc/${end}`, { body: oidc });

    // A task with an identity, which renders a variable
    const text = `{{ with nomadVar "nomad/jobs/${JOB}" }}{{ .password }}{{ end }}`;
    const task = {
      Name: 'main',
      Driver: 'mock_driver',
      Config: { run_for: '10m' },
      Identity: { Name: 'default', Env: true, File: true },
      Templates: [{ EmbeddedTmpl: text, DestPath: 'secrets/password', ChangeMode: 'noop' }],
      Resources: { CPU: 20, MemoryMB: 16 },
    };
    const job = {
      ID: JOB,
      Name: JOB,
      Type: 'service',
      Datacenters: ['dc1'],
      TaskGroups: [{ Name: 'app', Count: 2, Tasks: [task] }],
    };
    await client.must('PUT', '/v1/jobs', { token, body: { Job: job } });
    const identities = (): string[] =>
      [agentDir, join(dataDir, 'nodes')].flatMap((where) =>
        !existsSync(where)
          ? []
          : readdirSync(where, { recursive: true, encoding: 'utf8' })
              .filter((name) => name.endsWith('secrets/nomad_token'))
              .map((name) => readFileSync(join(where, name), 'utf8')),
      );
    await until('a task has its identity', () => identities().some((one) => one.split('.').length === 3));
    const workload = needles.add(
      'identity of a task',
      identities().find((one) => one !== '')!,
    );
    await client.must('GET', '/v1/services', { token: workload });
    await client.must('GET', `/v1/var/${path}`, { token: workload, due: ['item'] });

    // What is wrong about requests is told without what is secret in them.
    const guessed = needles.add('guessed secret', randomUUID());
    for (const [method, url, body] of [
      ['GET', '/v1/jobs', undefined],
      ['GET', '/v1/acl/token/self', undefined],
      ['PUT', `/agent/v1/node/${NODE}/heartbeat`, { Status: 'ready' }],
      ['PUT', '/agent/v1/node', { ...registration, SecretID: guessed }],
      ['PUT', '/agent/v1/node', { Node: {}, SecretID: guessed }],
      ['PUT', '/v1/acl/token', `{"SecretID": "${guessed}", "Policies": 7`],
      ['PUT', '/v1/acl/token', { SecretID: guessed, Policies: 'all' }],
      ['PUT', '/v1/acl/token/onetime/exchange', { OneTimeSecretID: guessed }],
      ['POST', '/v1/acl/bootstrap', { BootstrapSecret: guessed }],
      ['PUT', '/v1/var/broken', `{"Items": {"password": "${guessed}", 7}`],
      ['PUT', '/v1/var/broken', { Items: { password: [guessed] } }],
      ['PUT', '/v1/var/locked?lock-release', { Lock: { ID: guessed } }],
    ] as const) {
      await client.ask(method, url, { token: guessed, body, headers: { 'x-rollbook-join-token': guessed } });
      await client.ask(method, url, { token, body, due: ['bootstrap token'] });
    }

    // Whatever can be read
    const samples = await samplesOf(client, token);
    for (const row of ROUTES.keys()) {
      const [method, url] = row.split(' ') as [string, string];
      if (method !== 'GET' || /event\/stream|monitor|\/exec|\/action|session|:asset|\/ui\/\*|oidc/.test(url)) continue;
      for (const who of [token, made.SecretID, SecretID, undefined])
        for (const at of samples(url))
          await client.ask('GET', at, { ...(who && { token: who }), due: dueIn(url, who === token) });
    }
    await client.must('GET', `/v1/acl/token/${made.AccessorID}`, { token, due: ['client token'] });
    await client.must('GET', `/v1/acl/token/${brought.AccessorID}`, { token });
    await client.must('GET', '/v1/var/locked', { token: made.SecretID, due: ['item'] });
    const databaseUrl = findRunningPostgres(dataDir)!;
    const streams = await streamsOf(databaseUrl);
    for (const stream of streams) {
      const [type, ...key] = stream.split('/');
      const [namespace, id] = type === 'job' ? [key[0]!, key.slice(1).join('/')] : ['default', key.join('/')];
      const at = `/v1/operator/rollbook/history/${type}/${encodeURIComponent(id)}?namespace=${namespace}`;
      await client.ask('GET', at, { token });
    }
    for (const accept of ['application/json', 'text/event-stream'])
      for (const more of ['', '&payload=stub'])
        await client
          .must('GET', `/v1/event/stream?index=1&meta=true&namespace=*&to=${await lastIndex(client, token)}${more}`, {
            token,
            headers: { accept },
          })
          .catch((error: unknown) => {
            // Frames are no single JSON value: what counts is that they were kept.
            if (!(error instanceof SyntaxError)) throw error;
          });

    // By those who have the database
    const opsEnv = { ...process.env, ROLLBOOK_DATA_DIR: dataDir, ROLLBOOK_ADDR: server.url, NOMAD_TOKEN: token };
    const backup = join(await directory(), 'backup');
    for (const args of [
      ['export'],
      ['verify'],
      ['verify', '--chain'],
      ['rebuild', 'acl_token'],
      ['history', 'job', JOB],
      ['history', 'node', NODE],
      ['backup', '--to', backup],
    ]) {
      const { code, said } = await ops(args, opsEnv);
      if (code !== 0) throw new Error(`ops ${args.join(' ')} ended with ${code}: ${String(said)}`);
      keep(`ops ${args.join(' ')}`, said);
    }
    const { said } = await ops(['acl', 'token', '--reason', 'all were lost'], opsEnv);
    needles.add('token of ops', /Secret\s+(\S+)/.exec(String(said))![1]!);
    keep('ops acl token', said, ['token of ops']);
    // A backup is the log, with its digests.
    keep('a backup', filesBelow(backup), ['digest of', ...LOCK]);
    keep('how processes were started', commandLines([server.process.pid!, agent.pid!]));

    // The rest is there when all has ended
    members = await membersOf(databaseUrl, SECRET_MEMBERS);
    await addRootKeys(databaseUrl, kek);
    columns = await columnsOf(databaseUrl);
    needles.add('secret of an instance', columns.find(({ name }) => name === 'server_instance.secret')!.text);
    const published = async (): Promise<number> => (kafka ? (await kafkaRecords(['events'])).length : 0);
    const events = columns.find(({ name }) => name === 'event.type')!.text.split('\n').length;
    if (kafka) await until('all is in Kafka', async () => (await published()) >= events);
    if (kafka) keep('Kafka', Buffer.concat(await kafkaRecords(['events', ...LATEST_TYPES])));
    await until('traces and webhooks have come', () =>
      ['/v1/acl/login', '"x-rollbook-webhook":"given"', JOB].every((text) => collector!.told().includes(text)),
    );
    const ended = new Promise((resolve) => agent!.once('exit', resolve));
    agent.kill('SIGINT');
    await ended;
    await server.stop();
    outputs.push(...client.outputs);
    keep('the log of the server', serverLog);
    keep('the log of the agent', agentLog);
    keep('the traces, and what webhooks were told', collector.told());
    keep('the console', filesBelow(join(repository(), 'dist/console')));

    async function addRootKeys(url: string, text: string): Promise<void> {
      const found = (await columnsOf(url)).find(({ name }) => name === 'stream.state')!;
      const state = found.text.split('\n').find((one) => one.includes('"sealed":"k1.') && one.includes('"publicKey"'))!;
      const keyring = new Keyring(new KeyEncryptionKey(Buffer.from(text, 'base64'), 'this test'), () =>
        Promise.resolve(JSON.parse(state) as KeyringState),
      );
      const { dataKey, signingKey } = await keyring.active();
      needles.add('data key', dataKey.toString('base64'));
      needles.add('data key, in digits', dataKey.toString('hex'));
      needles.add('signing key', String(signingKey.export({ type: 'pkcs8', format: 'pem' })).split('\n')[2]!);
    }
  });
  afterAll(async () => {
    agent?.kill('SIGKILL');
    await server?.stop();
    collector?.close();
    await kafka?.stop();
    for (const made of directories) await rm(made, { recursive: true, force: true });
  });

  const kafkaRecords = async (topics: readonly Parameters<typeof messagesOf>[1][]): Promise<Buffer[]> => {
    const settings = { ...DEFAULT_KAFKA_SETTINGS, brokers: kafka!.brokers, prefix: PREFIX };
    const found: Buffer[] = [];
    for (const topic of topics)
      for (const { key, value, headers } of await messagesOf(settings, topic))
        found.push(
          Buffer.concat([
            key ?? Buffer.alloc(0),
            value ?? Buffer.alloc(0),
            Buffer.from(JSON.stringify(headers, asText)),
          ]),
        );
    return found;
  };

  test('holds no secret, and no digest of one', () => {
    const leaks = outputs.flatMap(({ name, bytes, due }) =>
      needles.in(bytes, due).map((secret) => `${secret} is in ${name}`),
    );
    expect(leaks).toEqual([]);
  });

  test('holds nothing that events hold for the server alone, of which the run has made every kind', () => {
    const empty = [...members].filter(([, values]) => values.length === 0).map(([member]) => member);
    expect(empty).toEqual([]);
    const leaks: string[] = [];
    for (const [member, values] of members)
      for (const { name, bytes, due } of outputs) {
        const isDue =
          name === 'a backup' || due.some((one) => member === 'VariableLocked.lock' && one.startsWith('lock'));
        if (!isDue && values.some((value) => bytes.includes(value))) leaks.push(`${member} is in ${name}`);
      }
    expect(leaks).toEqual([]);
  });

  test('is in the database nowhere but where it has to be, and as a digest', () => {
    const leaks = columns.flatMap(({ name, text }) =>
      needles.in(text, KEPT_IN.get(name)).map((secret) => `${secret} is in ${name}`),
    );
    expect(leaks).toEqual([]);
    // None of these is there for nothing.
    const textIn = (column: string): string => columns.find(({ name }) => name === column)?.text ?? '';
    expect([...KEPT_IN.keys()].filter((column) => needles.in(textIn(column)).length === 0)).toEqual([]);
  });

  test('is really read: every kind of output tells of the run', () => {
    const kinds = [
      'ops export',
      'ops history job',
      'a backup',
      'the log of the server',
      'the log of the agent',
      'the traces',
    ];
    const marks: ReadonlyMap<string, string> = new Map([
      ['the log of the agent', '"msg":'],
      ['the traces', '/v1/jobs'],
      ['ops history job', 'version 0'],
      ['the log of the server', '"msg":'],
    ]);
    for (const kind of [...kinds, ...(kafka ? ['Kafka'] : [])]) {
      const all = outputs.filter(({ name }) => name.startsWith(kind));
      expect([kind, all.some(({ bytes }) => bytes.includes(marks.get(kind) ?? JOB))]).toEqual([kind, true]);
    }
    for (const url of [
      '/v1/jobs',
      '/v1/event/stream',
      '/v1/operator/rollbook/history/job',
      '/metrics',
      '/openapi.json',
    ])
      expect([url, outputs.some(({ name }) => name.includes(`(200) to`) && name.includes(url))]).toEqual([url, true]);
    expect(needles.made.length).toBeGreaterThan(20);
  });
});

const asText = (_name: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer'
    ? Buffer.from((value as unknown as { data: number[] }).data).toString()
    : value;
