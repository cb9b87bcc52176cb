import {
  allocationOfService,
  deregisterService,
  registerServices,
  renderVariableMetadata,
  type OfferedService,
  type VariableState,
} from '@app/domain';
import { allocationStream, nodeStream, servicesStream, variableStream } from '@app/kernel';
import { KeyringUnavailable } from '@app/keyring';
import * as messages from '@app/nomad-rpc';
import { method, RpcError, type Connection, type Method } from '@app/nomad-rpc';
import { blockingQuery, type Answer, type Query } from '@app/streaming';
import type { Callers } from './callers.js';
import { exactJson } from './exact-json.js';
import { MAX_SERVICES_PER_CALL } from './limits.js';
import type { NodeDesk } from './services.js';

const DENIED = 'Permission denied';
const MAX_TEXT = 4096;

type Registration = messages.Of<typeof messages.serviceRegistration>;
type Reading = messages.Of<typeof messages.listServicesRequest>;
const answerOf = (value: object, index: number): Answer => ({
  status: 200,
  index,
  body: Buffer.from(JSON.stringify(value)),
});

/** Nomad: what running workloads need of a server: services, variables, and who they are. spec/rpc §9, §12. */
export function workloadMethods(desk: NodeDesk, callers: Callers): Method<Connection>[] {
  const { services } = desk;

  /** A read as every read of Nomad's: it waits for an index beyond the caller's. */
  const read = async (
    request: Reading,
    query: Query,
    signal: AbortSignal,
  ): Promise<{ value: unknown; index: number }> => {
    const answer = await blockingQuery(services.tail, services.cache, query, {
      minIndex: request.MinQueryIndex,
      waitMs: Number(request.MaxQueryTime / 1_000_000n),
      signal,
      random: services.random,
    });
    const isNews = request.MinQueryIndex === 0 || answer.index > request.MinQueryIndex;
    // An answer that comes early makes a template ask again ten times a second.
    if (!isNews && services.tail.isEnding) throw new RpcError('No cluster leader');
    return { value: exactJson(answer.body.toString()), index: Math.max(1, answer.index) };
  };

  return [
    method(
      'ServiceRegistration.Upsert',
      messages.upsertServicesRequest,
      messages.indexReply,
      async (request, connection) => {
        desk.checkRegion(request.Region);
        const registrations = request.Services ?? [];
        if (registrations.length > MAX_SERVICES_PER_CALL)
          throw new RpcError(`more than ${MAX_SERVICES_PER_CALL} services`);
        const nodeId = registrations[0]?.NodeID ?? '';
        const node = await desk.authenticated(nodeId, request.AuthToken);
        const offers = offersOf(registrations, node.id);
        const { index } = await desk.execute(
          node.id,
          connection.remoteAddress,
          {
            name: 'RegisterServices',
            reads: [
              nodeStream(node.id),
              ...offers.flatMap(({ allocationId }) => [allocationStream(allocationId), servicesStream(allocationId)]),
            ],
            decide: (view, context) => registerServices(view, context, { nodeId: node.id, offers }),
          },
          () => 'node not found',
        );
        return { Index: index };
      },
    ),

    method(
      'ServiceRegistration.DeleteByID',
      messages.deleteServiceRequest,
      messages.indexReply,
      async (request, connection) => {
        desk.checkRegion(request.Region);
        const allocation = allocationOfService(request.ID);
        const [alloc] = allocation === undefined ? [] : await desk.allocations([allocation]);
        const nodeId = await callerNode(request.AuthToken, connection, alloc?.nodeId);
        if (alloc !== undefined && alloc.nodeId !== nodeId) throw new RpcError(DENIED);
        const namespace = request.Namespace || (alloc?.namespace ?? 'default');
        const { index } = await desk.execute(
          nodeId,
          connection.remoteAddress,
          {
            name: 'DeregisterService',
            reads: allocation === undefined ? [] : [servicesStream(allocation)],
            decide: (view, context) => deregisterService(view, context, { id: request.ID, namespace, cause: 'client' }),
          },
          () => 'service registration not found',
        );
        return { Index: index };
      },
    ),

    method(
      'ServiceRegistration.List',
      messages.listServicesRequest,
      messages.listServicesReply,
      async (request, connection, signal) => {
        desk.checkRegion(request.Region);
        await callers.resolve(request.AuthToken, connection);
        const query: Query = {
          key: JSON.stringify(['rpc service names', request.Namespace]),
          topics: ['table:service'],
          load: async (moment) => {
            const names = await services.readModels.serviceNames(request.Namespace || 'default');
            const byNamespace = Array.from(
              Map.groupBy(names, ({ namespace }) => namespace),
              ([Namespace, all]) => ({
                Namespace,
                Services: all.map(({ name, tags }) => ({ ServiceName: name, Tags: tags })),
              }),
            );
            return answerOf(byNamespace, moment.tableIndex('service'));
          },
        };
        const { value, index } = await read(request, query, signal);
        return {
          Services: value as messages.Of<typeof messages.listServicesReply>['Services'],
          ...messages.metaAt(index),
        };
      },
    ),

    method(
      'ServiceRegistration.GetService',
      messages.getServiceRequest,
      messages.getServiceReply,
      async (request, connection, signal) => {
        desk.checkRegion(request.Region);
        await callers.resolve(request.AuthToken, connection);
        const { ServiceName: name, Choose: asked } = request;
        const namespace = request.Namespace || 'default';
        const choice = asked === '' ? undefined : messages.parseChoice(asked);
        if (asked !== '' && choice === undefined)
          throw new RpcError("failed to choose services: Parameter for choose must be in form '<number>|<key>'");
        const query: Query = {
          key: JSON.stringify(['rpc service', namespace, name]),
          topics: ['table:service'],
          load: async (moment) => {
            const where = { namespace, service_name: name };
            const rows = await services.readModels.list({ table: 'service', where, order: 'key' });
            return {
              status: 200,
              index: moment.tableIndex('service'),
              body: Buffer.from(`[${rows.map(({ document }) => document).join(',')}]`),
            };
          },
        };
        const { value, index } = await read(request, query, signal);
        const all = value as readonly Registration[];
        return { Services: choice === undefined ? all : messages.choose(all, choice), ...messages.metaAt(index) };
      },
    ),

    method(
      'Variables.Read',
      messages.readVariableRequest,
      messages.readVariableReply,
      async (request, connection, signal) => {
        desk.checkRegion(request.Region);
        const caller = await callers.resolve(request.AuthToken, connection);
        const namespace = request.Namespace || 'default';
        if (!(await callers.permissionsOf(caller)).variable(namespace, request.Path, 'read'))
          throw new RpcError(DENIED);
        const stream = variableStream(namespace, request.Path);
        // Encrypted in the cache as in the log: what is opened is opened for one answer.
        const query: Query = {
          key: `rpc ${stream}`,
          topics: [stream],
          missTopics: ['table:variable'],
          load: async (moment) => {
            const stored = (await services.store.load([stream])).get(stream);
            const state = stored && (JSON.parse(stored.state) as VariableState);
            if (state === undefined || state.purged)
              return { status: 404, index: moment.tableIndex('variable'), body: Buffer.from('null') };
            return { status: 200, index: state.modifyIndex, body: Buffer.from(stored!.state) };
          },
        };
        const { value, index } = await read(request, query, signal);
        return { Data: value === null ? null : await opened(value as VariableState), ...messages.metaAt(index) };
      },
    ),

    method(
      'Variables.List',
      messages.listVariablesRequest,
      messages.listVariablesReply,
      async (request, connection, signal) => {
        desk.checkRegion(request.Region);
        const caller = await callers.resolve(request.AuthToken, connection);
        const permissions = await callers.permissionsOf(caller);
        const namespace = request.Namespace || 'default';
        const query: Query = {
          key: JSON.stringify(['rpc variables', namespace, request.Prefix]),
          topics: ['table:variable'],
          load: async (moment) => {
            const rows = await services.variables.list({ namespace, prefix: request.Prefix });
            return {
              status: 200,
              index: moment.tableIndex('variable'),
              body: Buffer.from(`[${rows.map(({ document }) => document).join(',')}]`),
            };
          },
        };
        const { value, index } = await read(request, query, signal);
        const visible = (value as readonly Metadata[]).filter((one) =>
          permissions.variable(one.Namespace, one.Path, 'list'),
        );
        return { Data: visible.map(metadataForClient), ...messages.metaAt(index) };
      },
    ),
  ];

  /** Whose node asks: by its secret, which the node of the allocation is known by on any session, or by a workload of it. */
  async function callerNode(token: string, connection: Connection, nodeId: string | undefined): Promise<string> {
    if (nodeId !== undefined && !token.includes('.')) return (await desk.authenticated(nodeId, token)).id;
    const caller = await callers.resolve(token, connection);
    return caller.kind === 'node' ? caller.node.id : caller.allocation.nodeId;
  }

  async function opened(state: VariableState) {
    try {
      const items = await services.keyring.openItems(state.namespace, state.path, state);
      const metadata = exactJson(JSON.stringify(renderVariableMetadata(state, false))) as Metadata;
      return { ...metadataForClient(metadata), Items: Object.fromEntries(items) };
    } catch (error) {
      if (error instanceof KeyringUnavailable) throw new RpcError(error.message);
      throw error;
    }
  }
}

/** A variable's metadata as JSON has it: times are nanoseconds. */
interface Metadata {
  readonly Namespace: string;
  readonly Path: string;
  readonly CreateIndex: number;
  readonly CreateTime: number | bigint;
  readonly ModifyIndex: number;
  readonly ModifyTime: number | bigint;
}

const metadataForClient = (one: Metadata) => ({
  Namespace: one.Namespace,
  Path: one.Path,
  Lock: null,
  CreateIndex: one.CreateIndex,
  CreateTime: BigInt(one.CreateTime),
  ModifyIndex: one.ModifyIndex,
  ModifyTime: BigInt(one.ModifyTime),
});

/** What a node registers, by allocation. @throws RpcError for registrations of other nodes, or such as no client makes */
function offersOf(
  registrations: readonly Registration[],
  nodeId: string,
): { readonly allocationId: string; readonly services: readonly OfferedService[] }[] {
  for (const { ID, ServiceName, NodeID, Address, Port, Tags } of registrations) {
    if (NodeID.toLowerCase() !== nodeId) throw new RpcError(DENIED);
    const texts = [ID, ServiceName, Address, ...(Tags ?? [])];
    if (ServiceName === '' || texts.some((text) => text.length > MAX_TEXT))
      throw new RpcError('invalid service registration');
    if (Port < 0 || Port > 65_535) throw new RpcError('invalid service registration port');
  }
  return Array.from(
    Map.groupBy(registrations, ({ AllocID }) => AllocID.toLowerCase()),
    ([allocationId, all]) => ({
      allocationId,
      services: all.map(({ ID, ServiceName, Tags, Address, Port }) => ({
        id: ID,
        name: ServiceName,
        tags: Tags ?? [],
        address: Address,
        port: Port,
      })),
    }),
  );
}
