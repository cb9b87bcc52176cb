import { All, Controller, Get, Post, Put, Req, Res } from '@nestjs/common';
import type { Any } from '@app/nomad-rpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, isChunked, orThrow, queryOf } from '../edge/exchange.js';
import { sendText } from '../edge/reads.js';
import { decodeBody, nodeIdentityRenewRequest, nodeMetaApplyRequest, NomadError, param } from '../http/index.js';
import { LocalNode } from '../status/local-node.js';
import { Forwarding } from './forwarding.js';
import { jsonText } from './json-text.js';

const MISSING = 'No local Node and node_id not provided';
/** A dotted HCL identifier. */
const META_KEY = /^[a-zA-Z_][a-zA-Z0-9_-]*(\.[a-zA-Z_][a-zA-Z0-9_-]*)*$/;

/** Nomad: /v1/client/stats, gc, metadata and identity; spec/http-api-client §5. */
@Controller('v1/client')
export class ClientNodeController {
  constructor(
    private readonly forwarding: Forwarding,
    private readonly localNode: LocalNode,
  ) {}

  @All('stats')
  async stats(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { HostStats } = await this.ask(request, reply, nodeIdOf(request), 'ClientStats.Stats', {}, 404);
    sendText(request, reply, jsonText(HostStats));
  }

  @All('gc')
  async collect(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.ask(request, reply, nodeIdOf(request), 'Allocations.GarbageCollectAll', {});
    reply.removeHeader('content-type').send();
  }

  @Get('metadata')
  async metadata(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const found = await this.ask(request, reply, nodeIdOf(request), 'NodeMeta.Read', {});
    sendText(request, reply, metadataText(found));
  }

  @Post('metadata')
  async applyMetadata(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), nodeMetaApplyRequest, { chunked: isChunked(request) }), '', 400);
    const meta = withNulls(Object.entries(body.Meta ?? {}), bodyOf(request));
    if (meta.length === 0) throw new NomadError('missing required Meta object', 400);
    for (const [key] of meta)
      if (!META_KEY.test(key))
        throw new NomadError(
          `${JSON.stringify(key)} is invalid; metadata keys must be valid dotted hcl identifiers`,
          400,
        );
    const nodeId = nodeIdOf(request) || (body.NodeID ?? '');
    const found = await this.ask(request, reply, nodeId, 'NodeMeta.Apply', { Meta: Object.fromEntries(meta) });
    reply.code(200);
    sendText(request, reply, metadataText(found));
  }

  @Get('identity')
  async identity(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { Claims } = await this.ask(request, reply, nodeIdOf(request), 'NodeIdentity.Get', {});
    sendText(request, reply, jsonText({ Claims: Claims ?? null }));
  }

  @Put('identity/renew')
  async renewIdentity(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const given = bodyOf(request);
    const body =
      given.length === 0
        ? {}
        : orThrow(decodeBody(given, nodeIdentityRenewRequest, { chunked: isChunked(request) }), '', 400);
    await this.ask(request, reply, nodeIdOf(request) || (body.NodeID ?? ''), 'NodeIdentity.Renew', {});
    sendText(request, reply, '{}');
  }

  private async ask(
    request: FastifyRequest,
    reply: FastifyReply,
    nodeId: string,
    method: string,
    args: Readonly<Record<string, Any>>,
    status = 500,
  ): Promise<Readonly<Record<string, Any>>> {
    const missing = method.startsWith('NodeIdentity.') ? `n${MISSING.slice(1)}` : MISSING;
    const wanted = nodeId || ((await this.localNode.id()) ?? '');
    const node = await this.forwarding.node(request, wanted, { status, missing });
    return this.forwarding.callAny(request, reply, node.id, method, { NodeID: node.id, SecretID: '', ...args });
  }
}

const nodeIdOf = (request: FastifyRequest): string => param(queryOf(request), 'node_id');

const metadataText = ({ Meta, Dynamic, Static }: Readonly<Record<string, Any>>): string =>
  jsonText({ Meta: Meta ?? null, Dynamic: Dynamic ?? null, Static: Static ?? null });

/** A key that is null is taken back; decoded as Go does, it is an empty text. */
function withNulls(
  entries: readonly (readonly [string, string])[],
  body: Buffer,
): (readonly [string, string | null])[] {
  const given = Object.entries(JSON.parse(body.toString('utf8')) as object).find(([name]) =>
    /^meta$/i.test(name),
  )?.[1] as unknown;
  const nulls = new Set(Object.entries(given ?? {}).flatMap(([key, value]) => (value === null ? [key] : [])));
  return entries.map(([key, value]) => [key, nulls.has(key) ? null : value]);
}
