import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startEmbeddedPostgres } from '@app/platform';
import { dockerHasImage, noteContainer } from '../docker/docker.js';

/** Set by scripts/jest/global-setup.cjs: the directory of this test run. Its teardown ends what `server.json` and `containers` in there name. */
const RUN_VARIABLE = 'TEST_RUN_DIR';
const DOCKER_IMAGE = 'postgres:18';
const START_BOUND_MS = 120_000;
const POLL_MS = 20;
const MAX_CONNECTIONS = '300';

/** The Postgres all tests of a run share. Whoever needs it first starts it, so that unit tests need not wait for one. */
export type TestServer = { readonly url: string } & (
  | { readonly kind: 'given' }
  | { readonly kind: 'container' }
  /** And why it is no container. */
  | { readonly kind: 'embedded'; readonly pid: number; readonly reason: string }
);

async function startContainer(directory: string): Promise<TestServer> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const started = await new GenericContainer(DOCKER_IMAGE)
    .withEnvironment({ POSTGRES_USER: 'test', POSTGRES_PASSWORD: 'test', POSTGRES_INITDB_ARGS: '--no-sync' })
    .withCommand(['postgres', '-c', `max_connections=${MAX_CONNECTIONS}`])
    .withExposedPorts(5432)
    // It starts once for its own set-up, and once for good.
    .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
    .start();
  noteContainer(directory, started.getId());
  const url = `postgres://test:test@${started.getHost()}:${started.getMappedPort(5432)}/test`;
  return { kind: 'container', url };
}

async function startEmbedded(directory: string, reason: string): Promise<TestServer> {
  const { url, pid } = await startEmbeddedPostgres({
    dataDir: join(directory, 'data'),
    log: () => undefined,
    settings: { max_connections: MAX_CONNECTIONS },
    initdbArgs: ['--no-sync'],
    restart: false,
  });
  return { kind: 'embedded', url, pid: pid(), reason };
}

async function start(directory: string): Promise<TestServer> {
  const given = process.env['DATABASE_URL'];
  if (given) return { kind: 'given', url: given };
  if (!dockerHasImage(DOCKER_IMAGE)) return startEmbedded(directory, `no Docker with the image ${DOCKER_IMAGE}`);
  return startContainer(directory).catch((error: unknown) => startEmbedded(directory, `not Docker: ${String(error)}`));
}

/** Test processes share the run's directory; the one that makes the folder `starting` starts the server, the others wait for its file. */
async function startOrJoin(directory: string): Promise<TestServer> {
  const file = join(directory, 'server.json');
  try {
    mkdirSync(join(directory, 'starting'));
  } catch {
    const deadline = Date.now() + START_BOUND_MS;
    while (!existsSync(file)) {
      if (existsSync(`${file}.failed`)) throw new Error(readFileSync(`${file}.failed`, 'utf8'));
      if (Date.now() > deadline) throw new Error(`no Postgres for the tests after ${START_BOUND_MS} ms`);
      await delay(POLL_MS);
    }
    return JSON.parse(readFileSync(file, 'utf8')) as TestServer;
  }
  try {
    const server = await start(directory);
    writeFileSync(`${file}.new`, JSON.stringify(server));
    renameSync(`${file}.new`, file);
    return server;
  } catch (error) {
    writeFileSync(`${file}.failed`, `the Postgres for the tests did not start: ${String(error)}`);
    throw error;
  }
}

/** Outside Jest (a benchmark) nobody tears down: the embedded server ends with the process, and the next test run removes the directory. */
function ownRun(): string {
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-test-'));
  writeFileSync(join(directory, 'pid'), String(process.pid));
  return directory;
}

let shared: Promise<TestServer> | undefined;

/** The run's Postgres: `DATABASE_URL` if given, else a container if Docker runs and has the image, else the embedded one. */
export function testServer(): Promise<TestServer> {
  return (shared ??= startOrJoin((process.env[RUN_VARIABLE] ??= ownRun())));
}

/** What every database of this run begins with; the teardown removes those of a given server by it. */
export const databasePrefix = (): string =>
  `rollbook_test_${(process.env[RUN_VARIABLE] ?? '').replace(/^.*[-/]/, '').toLowerCase()}_`;
