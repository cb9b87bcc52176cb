import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import type { AgentAllocation, AgentService, AllocationUpdate, Registration } from '@app/agent';
import { isoFromUs, usFromRfc3339 } from '@app/kernel';
import * as rpc from '@app/nomad-rpc';

type Document = { readonly [key: string]: rpc.Any };

/** An allocation as our agent needs it; the rest of the document as it comes. */
const allocation = rpc.openStruct({
  ID: rpc.text,
  Namespace: rpc.text,
  JobID: rpc.text,
  TaskStates: rpc.map(rpc.taskState),
  PreviousAllocation: rpc.text,
  DeploymentID: rpc.text,
  SignedIdentities: rpc.map(rpc.text),
  NetworkStatus: rpc.any,
});
const allocationsReply = rpc.struct({ Allocs: rpc.list(allocation), ...rpc.queryMeta });
type Received = rpc.Of<typeof allocation> & Document;

const FOREVER = new AbortController().signal;
const NO_TIME = rpc.ZERO_TIME;

/**
 * Lets an agent of ours join through the door of Nomad's client agents: it takes the agent's `/agent/v1` and says the same to a server over RPC, as a
 * client does, and passes the server's calls on to the agent. So everything that is tried with our agents is tried behind RPC, too.
 */
export class AgentOverRpc {
  private readonly server: Server;
  private session: Promise<rpc.YamuxSession> | undefined;
  /** The agent's end of what servers ask it. */
  private remote: rpc.YamuxSession | undefined;
  private nodeId = '';
  private secret = '';
  private datacenter = '';
  private readonly known = new Map<string, { readonly index: number; readonly received: Received }>();
  private readonly services = new Map<string, ReadonlyMap<string, AgentService>>();

  private constructor(
    private readonly rpcPort: number,
    private readonly httpUrl: string,
  ) {
    this.server = createServer((request, response) => void this.serve(request, response));
    this.server.on('upgrade', (_request, socket: Duplex) => this.takeSession(socket));
  }

  /** @param httpUrl the server's HTTP address, for the node's description */
  static async start(rpcPort: number, httpUrl: string): Promise<AgentOverRpc> {
    const bridge = new AgentOverRpc(rpcPort, httpUrl);
    await new Promise<void>((resolve) => bridge.server.listen(0, '127.0.0.1', resolve));
    return bridge;
  }

  /** For the agent. */
  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.remote?.close();
    (await this.session?.catch(() => undefined))?.close();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private takeSession(socket: Duplex): void {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: rollbook-session\r\n\r\n');
    this.remote = new rpc.YamuxSession(socket, {
      role: 'acceptor',
      onStream: (stream) => stream.destroy(),
      onClose: () => undefined,
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString('utf8');
      const url = new URL(request.url ?? '/', this.address);
      const answer = await this.answer(url, request.method ?? 'GET', text === '' ? null : JSON.parse(text), request);
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify(answer ?? {}, (_key, one: unknown) =>
          typeof one === 'bigint' ? JSON.rawJSON(String(one)) : one,
        ),
      );
    } catch (error) {
      const { message } = error as Error;
      response.statusCode = message.includes('not found') ? 404 : message.includes('Permission denied') ? 403 : 500;
      response.end(message);
    }
  }

  private answer(url: URL, method: string, body: unknown, request: IncomingMessage): Promise<unknown> {
    if (url.pathname === '/agent/v1/node') return this.register(body as Registration, request);
    switch (`${method} ${url.pathname.split('/').at(-1)}`) {
      case 'PUT heartbeat':
        return this.heartbeat().then(({ HeartbeatTTL, Index }) => ({
          HeartbeatTTLMs: Number(HeartbeatTTL / 1_000_000n),
          Index,
        }));
      case 'GET allocations':
        return this.allocations(
          Number(url.searchParams.get('index')),
          parseInt(url.searchParams.get('wait') ?? '0', 10),
        );
      case 'PUT status':
        return this.report((body as { Updates: AllocationUpdate[] }).Updates);
      case 'PUT identities':
        return this.sign(body as { AllocationID: string; Task: string; Names: string[] });
      default:
        throw new Error(`unexpected: ${method} ${url.pathname}`);
    }
  }

  private async register({ Node, SecretID }: Registration, request: IncomingMessage): Promise<unknown> {
    const given = Node as unknown as Document & { ID: string; Datacenter: string };
    [this.nodeId, this.secret, this.datacenter] = [given.ID, SecretID, given.Datacenter];
    const joinToken = request.headers['x-rollbook-join-token'];
    const reply = await this.call(
      { method: 'Node.Register', arguments: rpc.registerRequest, reply: rpc.nodeUpdateReply },
      {
        Node: clientNode(given, SecretID, this.httpUrl),
        CreateNodePool: false,
        ...this.write(),
        AuthToken: typeof joinToken === 'string' ? joinToken : '',
      },
    );
    const { SignedIdentity } = await this.heartbeat();
    const Identity = SignedIdentity ?? reply.SignedIdentity;
    return {
      NodeID: given.ID,
      HeartbeatTTLMs: Number(reply.HeartbeatTTL / 1_000_000n),
      Index: reply.Index,
      ...(Identity !== null && { Identity }),
    };
  }

  private heartbeat(): Promise<rpc.NodeUpdateReply> {
    return this.call(
      { method: 'Node.UpdateStatus', arguments: rpc.updateStatusRequest, reply: rpc.nodeUpdateReply },
      { ...this.write(), NodeID: this.nodeId, Status: 'ready', IdentitySigningKeyID: '', ForceIdentityRenewal: false },
    );
  }

  private async allocations(index: number, waitS: number): Promise<unknown> {
    const reply = await this.call(
      { method: 'Node.GetClientAllocs', arguments: rpc.getClientAllocsRequest, reply: rpc.getClientAllocsReply },
      { ...this.read(index), MaxQueryTime: BigInt(waitS) * 1_000_000_000n, NodeID: this.nodeId, SecretID: this.secret },
    );
    const named = new Map(Object.entries(reply.Allocs ?? {}));
    const changed = [...named].filter(([id, at]) => index === 0 || (this.known.get(id)?.index ?? -1) < at);
    const pulled = changed.length === 0 ? [] : await this.pull(changed);
    for (const one of pulled) this.known.set(one.ID, { index: named.get(one.ID) ?? 0, received: one });
    const removed = [...this.known.keys()].filter((id) => !named.has(id));
    for (const id of removed) {
      this.known.delete(id);
      this.services.delete(id);
    }
    return {
      Index: reply.Index,
      Allocations: pulled.map(forAgent),
      Jobs: Object.fromEntries(pulled.map((one) => [jobKey(one), jobOf(one)])),
      Removed: removed,
    };
  }

  private async pull(changed: readonly (readonly [string, number])[]): Promise<readonly Received[]> {
    const min = Math.max(...changed.map(([, at]) => at)) - 1;
    const reply = await this.call(
      { method: 'Alloc.GetAllocs', arguments: rpc.getAllocsRequest, reply: allocationsReply },
      { ...this.read(min), AllocIDs: changed.map(([id]) => id) },
    );
    return reply.Allocs ?? [];
  }

  private async report(updates: readonly AllocationUpdate[]): Promise<unknown> {
    const Alloc = updates.map((update) => ({
      ID: update.ID,
      NodeID: this.nodeId,
      ClientStatus: update.ClientStatus,
      ClientDescription: update.ClientDescription,
      TaskStates: Object.fromEntries(
        Object.entries(update.TaskStates).map(([name, state]) => [name, taskState(state)]),
      ),
      DeploymentStatus: update.DeploymentStatus && {
        Healthy: update.DeploymentStatus.Healthy,
        Timestamp: isoFromUs(update.DeploymentStatus.TimestampUs) ?? NO_TIME,
        Canary: false,
        ModifyIndex: 0,
      },
      NetworkStatus: update.NetworkStatus,
    }));
    if (Alloc.length > 0)
      await this.call(
        { method: 'Node.UpdateAlloc', arguments: rpc.updateAllocRequest, reply: rpc.indexReply },
        { ...this.write(), Alloc, Evals: null },
      );
    for (const { ID, Services } of updates) if (Services !== undefined) await this.offer(ID, Services);
    return {};
  }

  /** Registers what is on offer now, and takes back what no longer is. */
  private async offer(allocationId: string, services: readonly AgentService[]): Promise<void> {
    const received = this.known.get(allocationId)?.received;
    const before = this.services.get(allocationId) ?? new Map<string, AgentService>();
    const now = new Map(services.map((one) => [one.ID, one]));
    this.services.set(allocationId, now);
    const Services = services.map((one) => ({
      ...one,
      Tags: one.Tags,
      Namespace: received?.Namespace ?? 'default',
      NodeID: this.nodeId,
      Datacenter: this.datacenter,
      JobID: received?.JobID ?? '',
      AllocID: allocationId,
      CreateIndex: 0,
      ModifyIndex: 0,
    }));
    if (Services.length > 0)
      await this.call(
        { method: 'ServiceRegistration.Upsert', arguments: rpc.upsertServicesRequest, reply: rpc.indexReply },
        { ...this.write(), Services },
      );
    for (const ID of before.keys()) {
      if (now.has(ID)) continue;
      await this.call(
        { method: 'ServiceRegistration.DeleteByID', arguments: rpc.deleteServiceRequest, reply: rpc.indexReply },
        { ...this.write(), Namespace: received?.Namespace ?? 'default', ID },
      ).catch((error: unknown) => {
        if (!(error as Error).message.includes('not found')) throw error;
      });
    }
  }

  /** A task's default identity comes with its allocation. */
  private async sign({
    AllocationID,
    Task,
    Names,
  }: {
    AllocationID: string;
    Task: string;
    Names: string[];
  }): Promise<unknown> {
    const token = new Map(Object.entries(this.known.get(AllocationID)?.received.SignedIdentities ?? {})).get(Task);
    const Identities = Names.map((IdentityName) => ({
      AllocID: AllocationID,
      IdentityName,
      WorkloadIdentifier: Task,
      WorkloadType: 0,
      InterpolatedWorkloadIdentifier: '',
    })).filter(({ IdentityName }) => IdentityName !== 'default' || token === undefined);
    const reply =
      Identities.length === 0
        ? undefined
        : await this.call(
            { method: 'Alloc.SignIdentities', arguments: rpc.signIdentitiesRequest, reply: rpc.signIdentitiesReply },
            { ...this.read(0), Identities },
          );
    const signed = (reply?.SignedIdentities ?? []).map(({ IdentityName, JWT, Expiration }) => ({
      Name: IdentityName,
      Token: JWT,
      ExpiresAtUs: Expiration === NO_TIME ? 0 : usFromRfc3339(Expiration),
    }));
    const ofTask =
      token !== undefined && Names.includes('default') ? [{ Name: 'default', Token: token, ExpiresAtUs: 0 }] : [];
    return {
      Identities: [...ofTask, ...signed],
      Rejections: (reply?.Rejections ?? []).map(({ IdentityName, Reason }) => ({ Name: IdentityName, Reason })),
    };
  }

  private async call<A, R>(one: rpc.Call<A, R>, args: A): Promise<R> {
    if (this.session === undefined || (await this.session.catch(() => undefined))?.isClosed !== false)
      this.session = this.dial();
    return rpc.call(rpc.openStream(await this.session), one, args, FOREVER);
  }

  private dial(): Promise<rpc.YamuxSession> {
    return rpc.dial({
      host: '127.0.0.1',
      port: this.rpcPort,
      signal: FOREVER,
      // The agent answers the very calls that Nomad's clients answer.
      onStream: (stream) => {
        try {
          const on = this.remote!.open();
          pipeline(stream, on, () => undefined);
          pipeline(on, stream, () => undefined);
        } catch (error) {
          stream.destroy(error as Error);
        }
      },
      onClose: () => undefined,
    });
  }

  private read(min: number) {
    return {
      ...rpc.pingRequest.zero(),
      Region: 'global',
      MinQueryIndex: min,
      AllowStale: min > 0,
      AuthToken: this.secret,
    };
  }

  private write() {
    return {
      Region: 'global',
      Namespace: '',
      AuthToken: this.secret,
      IdempotencyToken: randomUUID(),
      Forwarded: false,
    };
  }
}

const record = (value: rpc.Any | undefined): Document => (value ?? {}) as Document;

/** A description of ours as a client tells it. */
function clientNode(given: Document, secret: string, httpUrl: string): rpc.ClientNode {
  const drivers = Object.entries(record(given['Drivers'])).map(([name, driver]): [string, Document] => [
    name,
    { ...(driver as Document), UpdateTime: record(driver)['UpdateTime'] ?? NO_TIME },
  ]);
  const described = {
    HTTPAddr: new URL(httpUrl).host,
    ...given,
    SecretID: secret,
    Drivers: Object.fromEntries(drivers),
    NodeResources: { ...record(given['NodeResources']), Processors: undefined },
    Status: 'initializing',
  };
  return filled(rpc.registerRequest.zero().Node, described) as rpc.ClientNode;
}

/** What is not given is Go's zero. */
function filled(zero: unknown, given: unknown): unknown {
  if (given === undefined) return zero;
  if (![zero, given].every((one) => typeof one === 'object' && one !== null && !Array.isArray(one))) return given;
  const zeros = new Map(Object.entries(zero as object));
  const names = new Set([...zeros.keys(), ...Object.keys(given as object)]);
  const values = new Map(Object.entries(given as object));
  return Object.fromEntries([...names].map((name) => [name, filled(zeros.get(name), values.get(name))]));
}

const jobKey = (one: Received): string => {
  const job = record(one['Job']);
  return `${one.Namespace}/${one.JobID}/${String(job['CreateIndex'])}/${String(job['Version'])}`;
};

/** Bytes are text in the JSON of a job: base64. */
function jobOf(one: Received): Document {
  const job = record(one['Job']);
  const payload = job['Payload'];
  return typeof payload === 'string' ? { ...job, Payload: Buffer.from(payload, 'utf8').toString('base64') } : job;
}

function forAgent(one: Received): AgentAllocation {
  const health = record(one['DeploymentStatus']);
  const transition = record(one['DesiredTransition']);
  const states = Object.entries(one.TaskStates ?? {}).map(([name, state]): [string, unknown] => [
    name,
    {
      ...state,
      LastRestart: orNull(state.LastRestart),
      StartedAt: orNull(state.StartedAt),
      FinishedAt: orNull(state.FinishedAt),
      Events: (state.Events ?? []).map((event) => ({ ...event, Time: String(event.Time) })),
    },
  ]);
  return {
    ...one,
    JobKey: jobKey(one),
    JobVersion: record(one['Job'])['Version'],
    Canary: health['Canary'] === true,
    DeploymentHealth: health['Healthy'] ?? null,
    NoShutdownDelay: transition['NoShutdownDelay'] === true,
    CreateTimeUs: Number(BigInt(one['CreateTime'] as number | bigint) / 1000n),
    TaskStates: one.TaskStates === null || states.length === 0 ? null : Object.fromEntries(states),
    Migrating: transition['Migrate'] === true,
  } as unknown as AgentAllocation;
}

const orNull = (time: string): string | null => (time === NO_TIME ? null : time);

/** As a client tells it: events whole, with what they do not say as Go's zero. */
function taskState(state: AllocationUpdate['TaskStates'][string]): rpc.Of<typeof rpc.taskState> {
  return {
    ...rpc.taskState.zero(),
    ...state,
    LastRestart: state.LastRestart ?? NO_TIME,
    StartedAt: state.StartedAt ?? NO_TIME,
    FinishedAt: state.FinishedAt ?? NO_TIME,
    Events: state.Events.map((event) => ({
      ...rpc.taskEvent.zero(),
      ...(Object.fromEntries(
        Object.entries(event).map(([name, value]) => [name, INT64.has(name) ? BigInt(value as number) : value]),
      ) as object),
    })),
  };
}

const INT64 = new Set(['Time', 'KillTimeout', 'StartDelay', 'DiskLimit']);
