import 'reflect-metadata';
import { randomBytes, randomUUID } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { initialiseKeyring, type KeyringState } from '@app/domain';
import { PostgresEventStore } from '@app/event-store';
import {
  ClusterState,
  heartbeatTtlMs,
  Housekeeping,
  rehearse,
  restoreCluster,
  waitingDeployments,
} from '@app/reactors';
import { explainPlacement } from '@app/scheduling';
import { IdentityProviders } from '@app/identity-providers';
import { RpcError } from '@app/nomad-rpc';
import { KeptLists, NodeNews } from '@app/streaming';
import { KEYRING } from '@app/kernel';
import { IdentityTokens, KeyEncryptionKey, Keyring } from '@app/keyring';
import {
  ENTITIES,
  GarbageSource,
  Heartbeats,
  LockRenewals,
  PastMoments,
  PastRows,
  PastStates,
  ReadModelsInTime,
  ServerDirectory,
  VariablesInTime,
  WebhookCursors,
} from '@app/read-models';
import { createMigratedDatabase, startInstance, type TestInstance } from '@app/testing';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { DataSource } from 'typeorm';
import { AccessControl } from '../acl/access-control.js';
import type { Callers } from '../acl/caller.js';
import type { NodeCalls } from '../client/node-calls.js';
import { TokenCallers, type TokenCallersOptions } from '../acl/token-callers.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { fastifyOptions, prepareFastify } from '../fastify.js';
import { NomadApiModule, type EdgeServices } from '../nomad-api.module.js';
import { Readiness } from '../status/health.controller.js';

/** The whole edge on a database of its own, without a listener and without reactors: nothing happens but what is asked. */
export interface TestEdge extends TestInstance {
  readonly store: PostgresEventStore;
  /** What was answered with an unplanned 500. */
  readonly faults: unknown[];
  /** Called when the edge has read something from the store, before it goes on with it. */
  afterRead: (() => Promise<void>) | undefined;
  /** A request; objects become JSON bodies. */
  request(
    method: string,
    url: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>;
  readonly keyring: Keyring;
  readonly identities: IdentityTokens;
  /** Listens on a port of its own, for what has no end; the address. */
  listen(): Promise<string>;
  /** What finds callers, for another instance on the same database. */
  readonly parts: Pick<TokenCallersOptions, 'readModels' | 'store' | 'identities'>;
  readonly dataSource: DataSource;
  /** Sets the clock by which callers are found, and identities and logins checked, forward; commands have their own. */
  advance(ms: number): void;
  /** Gives the cluster its first root key, as its leader would. */
  initialiseKeyring(): Promise<void>;
  /** Takes the database away from this edge, or gives it back. */
  setReachable(isReachable: boolean): void;
}

const LISTS_BYTES = 10_000_000;

/** No node has a session here. */
const NO_NODES: NodeCalls = {
  call: () => Promise.reject(new RpcError('No path to node')),
  stream: () => Promise.reject(new RpcError('No path to node')),
  adopt: (_nodeId, socket) => void socket.destroy(),
};

export interface TestEdgeOptions extends Partial<
  Pick<EdgeServices, 'joinTokens' | 'dataDir' | 'maxWaiting' | 'nodeCalls'>
> {
  /** Access control is on. */
  readonly acl?: boolean;
  /** Given: access control is on, and this says who is who. */
  readonly callers?: Callers;
}

export async function startEdge({
  joinTokens,
  acl = false,
  callers: given,
  dataDir = '/nonexistent',
  maxWaiting,
  nodeCalls = NO_NODES,
}: TestEdgeOptions = {}): Promise<TestEdge> {
  let aheadMs = 0;
  const clock = (): number => (Date.now() + aheadMs) * 1000;
  const database = await createMigratedDatabase();
  const gate = await gateTo(database.url);
  const store = new PostgresEventStore({ url: gate.url, poolSize: 4 });
  const dataSource = new DataSource({
    type: 'postgres',
    url: gate.url,
    entities: [...ENTITIES],
    poolSize: 4,
    extra: { connectionTimeoutMillis: 2_000 },
  });
  // Idle connections that are cut say so here; without a listener that would end the process.
  await dataSource.initialize();
  const instance = await startInstance(store);
  const past = new PastRows(dataSource, new PastStates(store), new PastMoments(store));
  const readModels = new ReadModelsInTime(dataSource, past);
  const faults: unknown[] = [];
  const keyring = new Keyring(new KeyEncryptionKey(randomBytes(32), 'a test'), async () => {
    const stored = (await store.load([KEYRING])).get(KEYRING);
    return stored && (JSON.parse(stored.state) as KeyringState);
  });
  instance.tail.onCommit(({ changes }) => {
    if (changes.some(({ stream }) => stream === KEYRING)) keyring.forget();
  });
  const hook: Pick<TestEdge, 'afterRead'> = { afterRead: undefined };
  const watched = <T extends object>(source: T, reads: (name: string) => boolean): T =>
    new Proxy(source, {
      get(target, name) {
        const value: unknown = target[name as keyof T];
        if (typeof value !== 'function' || typeof name !== 'string') return value;
        const method = value.bind(target) as (...given: unknown[]) => unknown;
        if (!reads(name)) return method;
        return async (...given: unknown[]) => {
          const found = await method(...given);
          await hook.afterRead?.();
          return found;
        };
      },
    });
  const cluster = async (): Promise<ClusterState> => {
    const restored = new ClusterState();
    await restoreCluster(restored, store, readModels);
    return restored;
  };
  const watchedStore = watched(store, (name) => ['load', 'readStream', 'readAfter'].includes(name));
  const watchedReadModels = watched(readModels, () => true);
  const identities = new IdentityTokens(keyring, '', clock);
  const identityProviders = new IdentityProviders(clock);
  const onFault = (error: unknown): void => void faults.push(error);
  const module = NomadApiModule.on({
    ...instance,
    instance: 'edge/1',
    store: watchedStore,
    readModels: watchedReadModels,
    maxWaiting,
    lists: new KeptLists({ tail: instance.tail, readModels: watchedReadModels, store: watchedStore }, LISTS_BYTES),
    heartbeats: new Heartbeats(dataSource),
    nodeCalls,
    directory: new ServerDirectory(dataSource),
    logLines: { follow: () => () => undefined },
    news: new NodeNews(instance.tail, readModels, (error) => faults.push(error)),
    variables: watched(new VariablesInTime(dataSource, past), () => true),
    renewals: new LockRenewals(dataSource),
    keyring,
    identities,
    identityProviders,
    oidcIssuer: '',
    server: new ServerIdentity('edge', 'global', 'dc1', '127.0.0.1', 4646, '0.0.0', acl),
    readiness: new Readiness(
      () => Promise.resolve(undefined),
      () => Promise.resolve({ contentType: 'text/plain', text: '' }),
      () => Promise.resolve([]),
    ),
    dataDir,
    heartbeatTtlMs: () => heartbeatTtlMs(1),
    rehearse: async (spec) => rehearse(await cluster(), spec, { now: clock(), newId: randomUUID, elapsed: () => 0 }),
    now: clock,
    rules: {
      waiting: async () => waitingDeployments(await cluster(), clock()),
      explain: async (job, groups) => explainPlacement(await cluster(), job, groups),
    },
    webhooks: {
      progress: () => new WebhookCursors(dataSource).progress(),
      ping: ({ id }) => Promise.resolve({ deliveryId: `ping_${id}`, status: 204, error: '', ms: 1 }),
    },
    housekeeping: new Housekeeping(new GarbageSource(dataSource), instance.handler, clock),
    onFault,
    joinTokens,
  });
  const adapter = new FastifyAdapter(fastifyOptions);
  const callers = given ?? new TokenCallers({ readModels, store, identities, tail: instance.tail, now: clock });
  const isEnforced = acl || given !== undefined;
  const accessControl = isEnforced ? new AccessControl(callers, instance.tail, onFault) : undefined;
  const { complete } = prepareFastify(adapter.getInstance(), { accessControl });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: false, bodyParser: false });
  await app.init();
  complete();
  await adapter.getInstance().ready();
  return {
    get afterRead() {
      return hook.afterRead;
    },
    set afterRead(wait) {
      hook.afterRead = wait;
    },
    ...instance,
    store,
    faults,
    request(method: string, url: string, body?: unknown, headers: Record<string, string> = {}) {
      const payload =
        body === undefined || Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
      const options = { method, url, headers, ...(payload === undefined ? {} : { payload }) } as InjectOptions;
      return adapter.getInstance().inject(options);
    },
    keyring,
    identities,
    dataSource,
    listen: () => adapter.getInstance().listen({ port: 0, host: '127.0.0.1' }),
    parts: { readModels, store, identities },
    advance: (ms) => (aheadMs += ms),
    async initialiseKeyring() {
      const key = await keyring.newKey();
      await instance.handler.execute({
        name: 'InitialiseKeyring',
        meta: { actor: 'test' },
        decide: (view, context) => initialiseKeyring(view, context, { key }),
      });
    },
    setReachable: gate.setReachable,
    async close(): Promise<void> {
      gate.setReachable(true);
      await instance.close();
      await app.close();
      identityProviders.close();
      await dataSource.destroy();
      await store.close();
      gate.close();
      await database.drop();
    },
  };
}

/** A TCP gate in front of the server of a `postgres://` URL. */
async function gateTo(
  databaseUrl: string,
): Promise<{ url: string; setReachable: (isReachable: boolean) => void; close: () => void }> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isOpen = true;
  const server = createServer((client) => {
    if (!isOpen) return void client.destroy();
    const upstream = connect(Number(target.port || 5432), target.hostname);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    url: url.href,
    setReachable(isReachable) {
      isOpen = isReachable;
      if (!isReachable) cut();
    },
    close() {
      cut();
      server.close();
    },
  };
}
