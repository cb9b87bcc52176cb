import { Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import {
  DEFAULT_NAMESPACE,
  defineNamespace,
  deleteNamespace,
  presentNamespace,
  renderNamespace,
  type DefineNamespace,
} from '@app/domain';
import { namespaceStream } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, isChunked, nameOf, orThrow } from '../edge/exchange.js';
import { definitionHash, NamedObjects, type NamedTable } from '../edge/named.js';
import { Reads } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { Writes } from '../edge/writes.js';
import { decodeBody, namespaceRequest, NomadError, type NamespaceRequest } from '../http/index.js';

const BUILT_IN = presentNamespace(DEFAULT_NAMESPACE, undefined)!;
/** Every namespace there is. */
export const NAMESPACES: NamedTable = {
  table: 'namespace',
  builtIn: [{ name: BUILT_IN.name, text: JSON.stringify(renderNamespace(BUILT_IN)), index: BUILT_IN.modifyIndex }],
  missing: 'Namespace not found',
};

/** Nomad: /v1/namespaces and /v1/namespace; spec/http-api §4.10. */
@Controller('v1')
export class NamespacesController {
  constructor(
    private readonly reads: Reads,
    private readonly named: NamedObjects,
    private readonly readModels: ReadModels,
    private readonly writes: Writes,
    private readonly server: ServerIdentity,
  ) {}

  /** Neither filtered nor paged, as in Nomad. */
  @Get('namespaces')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    return this.reads.send(request, reply, options, ({ permissions }) =>
      this.named.list(NAMESPACES, JSON.stringify([options.prefix, permissions.key]), (all) => ({
        rows: all.filter(({ name }) => name.startsWith(options.prefix) && permissions.knowsNamespace(name)),
      })),
    );
  }

  @Get('namespace/:name')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = this.named.one(NAMESPACES, namedIn(request));
    return this.reads.send(request, reply, this.reads.options(request), query);
  }

  @Put('namespace')
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.define(request, reply, undefined);
  }

  @Put('namespace/:name')
  update(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.define(request, reply, namedIn(request));
  }

  @Delete('namespace/:name')
  async remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const name = namedIn(request);
    const uses = await this.readModels.usesOfNamespace(name);
    return this.writes.sendEmpty(request, reply, {
      name: 'DeleteNamespace',
      reads: [namespaceStream(name)],
      decide: (view, context) => deleteNamespace(view, context, { name, uses, region: this.server.region }),
    });
  }

  private define(request: FastifyRequest, reply: FastifyReply, path: string | undefined): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), namespaceRequest, { chunked: isChunked(request) }), '', 400);
    if (path !== undefined && path !== (body.Name ?? ''))
      throw new NomadError('Namespace name does not match request path', 400);
    const command = definitionOf(body);
    return this.writes.sendEmpty(request, reply, {
      name: 'DefineNamespace',
      reads: [namespaceStream(command.name)],
      decide: (view, context) => defineNamespace(view, context, command),
    });
  }
}

function namedIn(request: FastifyRequest): string {
  const name = nameOf(request);
  if (name === '') throw new NomadError('Missing Namespace Name', 400);
  return name;
}

function definitionOf(body: NamespaceRequest): DefineNamespace {
  const { Capabilities: given } = body;
  const definition = {
    description: body.Description ?? '',
    capabilities: given
      ? {
          EnabledTaskDrivers: given.EnabledTaskDrivers ?? null,
          DisabledTaskDrivers: given.DisabledTaskDrivers ?? null,
          EnabledNetworkModes: given.EnabledNetworkModes ?? null,
          DisabledNetworkModes: given.DisabledNetworkModes ?? null,
        }
      : null,
    meta: body.Meta ?? null,
    requiredExtraClaims: body.RequiredExtraClaims ?? null,
    optionalExtraClaims: body.OptionalExtraClaims ?? null,
  };
  return {
    name: body.Name ?? '',
    definition: { ...definition, hash: definitionHash(definition) },
    descriptionBytes: Buffer.byteLength(definition.description),
    unlicensed: [
      ...(body.NodePoolConfiguration ? (['nodePools'] as const) : []),
      ...(body.VaultConfiguration ? (['vault'] as const) : []),
      ...(body.ConsulConfiguration ? (['consul'] as const) : []),
    ],
    quota: body.Quota ?? '',
  };
}
