import { randomUUID } from 'node:crypto';
import { Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import {
  changeAclToken,
  createAclToken,
  deleteAclToken,
  exchangeOneTimeSecret,
  issueOneTimeSecret,
  renderAclToken,
  type AclRoleState,
  type AclTokenState,
  type RoleNames,
} from '@app/domain';
import {
  ACL_REGISTRY,
  aclRoleStream,
  aclTokenStream,
  isoFromUs,
  type CommandContext,
  type Index,
  type StateView,
  type TimeUs,
} from '@app/kernel';
import { digestOfSecret, Keyring } from '@app/keyring';
import { ReadModels } from '@app/read-models';
import type { Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, idOf, isChunked, orThrow, tokenOf } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer, notFound, Reads, sendJson } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { textOf, Writes, type Write } from '../edge/writes.js';
import {
  aclTokenRequest,
  aclTokenType,
  byCreateIndexAndId,
  byId,
  compileFilter,
  decodeBody,
  FILTER_EVALUATION_PREFIX,
  FILTER_SYNTAX_PREFIX,
  NomadError,
  oneTimeExchangeRequest,
  paginate,
  parseUuid,
  parseUuidPrefix,
  type ReadOptions,
} from '../http/index.js';
import { accessOf, denied } from './access.js';
import { requireAcls } from './requirement.js';
import { tokenCommand } from './token-requests.js';
import { TokenSecrets } from './token-secrets.js';
import { TokenUploads } from './token-uploads.js';
import { TokenWrites } from './token-writes.js';

const LOOKUP = 'acl token lookup failed: ';
const MISSING = 'ACL token not found';

/** What a server without ACLs says that a caller's token is. */
const DISABLED = {
  AccessorID: 'acls-disabled',
  SecretID: '',
  Name: 'ACLs disabled token',
  Type: 'client',
  Policies: null,
  Roles: null,
  Global: false,
  Hash: null,
  CreateTime: '0001-01-01T00:00:00Z',
  ExpirationTime: null,
  ExpirationTTL: '',
  CreateIndex: 0,
  ModifyIndex: 0,
};
/** What a caller without a token has. */
const ANONYMOUS = {
  ...DISABLED,
  AccessorID: 'anonymous',
  Name: 'Anonymous Token',
  Policies: ['anonymous'],
};

/** Nomad: /v1/acl/tokens and /v1/acl/token; spec/http-api §4.11, http-api-more §12. */
@Controller('v1/acl')
export class AclTokensController {
  constructor(
    private readonly reads: Reads,
    private readonly writes: Writes,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
    private readonly tokens: TokenWrites,
    private readonly uploads: TokenUploads,
    private readonly secrets: TokenSecrets,
    private readonly keyring: Keyring,
    private readonly server: ServerIdentity,
  ) {}

  @Get('tokens')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const options = this.reads.options(request);
    const prefix = orThrow(parseUuidPrefix(options.prefix), LOOKUP);
    return this.reads.send(request, reply, options, this.listed(options, prefix));
  }

  private listed({ filter: text, perPage, nextToken, reverse }: ReadOptions, prefix: string): DataQuery {
    const filter = text === '' ? undefined : orThrow(compileFilter(text, aclTokenType), FILTER_SYNTAX_PREFIX, 400);
    return {
      key: JSON.stringify(['acl tokens', prefix, text, perPage, nextToken, reverse]),
      topics: ['table:acl_token'],
      load: async (moment) => {
        const rows = await this.readModels.list({
          table: 'acl_token',
          where: {},
          order: prefix === '' ? 'created' : 'key',
          reverse,
          ...(prefix === '' ? {} : { prefix: { column: 'id', value: prefix } }),
        });
        const matching = rows
          .filter(
            ({ document }) =>
              filter === undefined ||
              orThrow(filter.matches(JSON.parse(document) as object), FILTER_EVALUATION_PREFIX, 400),
          )
          .map((row) => ({ ...row, id: row.key, createIndex: Number(row.create_index) }));
        const keying = prefix === '' ? byCreateIndexAndId : byId;
        const page = paginate(matching, { perPage, nextToken, reverse }, keying);
        const documents = page.rows.map(({ document }) => document).join(',');
        return jsonAnswer(`[${documents}]`, Math.max(1, moment.tableIndex('acl_token')), page.nextToken);
      },
    };
  }

  @Get('token/self')
  async self(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!this.server.aclEnabled) return sendJson(request, reply, DISABLED);
    const { caller } = accessOf(request);
    if ('malformed' in caller && caller.malformed !== undefined)
      throw new NomadError(`failed to parse signed token: ${caller.malformed}`, 500);
    return this.reads.send(request, reply, this.reads.options(request), (access) => {
      const { identity } = access.known();
      access.settle(true);
      if (identity.kind === 'token') return this.one(identity.accessorId, tokenOf(request));
      const isAnonymous = identity.kind === 'anonymous';
      return {
        key: `acl token of ${isAnonymous ? 'nobody' : 'none'}`,
        topics: ['table:acl_token'],
        load: (moment) => {
          const index = moment.tableIndex('acl_token');
          const answer = isAnonymous ? jsonAnswer(JSON.stringify(ANONYMOUS), index) : notFound(MISSING, index);
          return Promise.resolve(answer);
        },
      };
    });
  }

  @Get('token/:id')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = this.idIn(request);
    return this.reads.send(request, reply, this.reads.options(request), (access) => {
      const { permissions, identity } = access.known();
      access.settle(permissions.isManagement || (identity.kind === 'token' && identity.accessorId === id));
      return this.one(id);
    });
  }

  /** @param secret as its holder has shown it */
  private one(id: string, secret?: string): DataQuery {
    return {
      key: `acl token ${id} ${secret === undefined ? '' : 'of its holder'}`,
      topics: [aclTokenStream(id), 'table:acl_role'],
      missTopics: ['table:acl_token'],
      load: async (moment) => {
        const [token] = await this.objects.states<AclTokenState>([aclTokenStream(id)]);
        if (token === undefined || token.purged) return notFound(MISSING, moment.tableIndex('acl_token'));
        const names = await this.roleNames(token);
        const shown = renderAclToken(token, names, secret ?? this.secrets.shown(token));
        return jsonAnswer(JSON.stringify(shown), token.modifyIndex);
      },
    };
  }

  private async roleNames({ roles }: AclTokenState): Promise<RoleNames> {
    const states = await this.objects.states<AclRoleState>((roles ?? []).map(aclRoleStream));
    return new Map(
      states.flatMap((role) => (role === undefined || role.purged ? [] : [[role.id, role.name] as const])),
    );
  }

  @Put('token')
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const body = this.body(request);
    if (body.AccessorID) return this.update(request, reply, body.AccessorID);
    const accessorId = randomUUID();
    const command = {
      ...tokenCommand(body),
      accessorId,
      secretDigest: digestOfSecret(this.secrets.of(accessorId)),
    };
    return this.tokens.send(request, reply, {
      name: 'CreateAclToken',
      reads: [ACL_REGISTRY, ...command.roles.filter(({ id }) => id !== '').map(({ id }) => aclRoleStream(id))],
      decide: (view, context) => createAclToken(view, context, command),
    });
  }

  @Put('token/:id')
  change(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = this.idIn(request);
    if (id !== (this.body(request).AccessorID ?? ''))
      throw new NomadError('ACL token accessor does not match request path', 400);
    return this.update(request, reply, id);
  }

  private update(request: FastifyRequest, reply: FastifyReply, accessorId: string): Promise<void> {
    const body = this.body(request);
    if (body.SecretID) return this.uploads.send(request, reply, accessorId, body);
    const command = { ...tokenCommand(body), accessorId };
    return this.tokens.send(request, reply, {
      name: 'ChangeAclToken',
      reads: [aclTokenStream(accessorId), ACL_REGISTRY],
      decide: (view, context) => changeAclToken(view, context, command),
    });
  }

  @Delete('token/:id')
  remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = this.idIn(request);
    return this.writes.sendEmpty(request, reply, {
      name: 'DeleteAclToken',
      reads: [aclTokenStream(id)],
      decide: (view, context) => deleteAclToken(view, context, { id }),
    });
  }

  /** A secret to give away: good for ten minutes, and for one exchange. */
  @Put('token/onetime')
  async issue(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const access = accessOf(request);
    const { identity } = access.known();
    if (identity.kind === 'anonymous') throw new NomadError(`${LOOKUP}missing secret id`, 500);
    access.settle(identity.kind === 'token');
    const id = identity.kind === 'token' ? identity.accessorId : '';
    const drawn = randomUUID();
    const write: Write<TimeUs> = {
      name: 'IssueOneTimeSecret',
      reads: [aclTokenStream(id)],
      decide: (view, context) =>
        issueOneTimeSecret(view, context, { id, oneTimeDigest: digestOfSecret(this.secrets.oneTime(drawn)) }),
      render: (expiresAt, index) => ({ drawn, expiresAt: isoFromUs(expiresAt), index }),
    };
    const outcome = await this.writes.execute(request, write);
    const issued = JSON.parse(textOf(write, outcome)) as { drawn: string; expiresAt: string; index: Index };
    reply.header('X-Nomad-Index', outcome.index);
    sendJson(request, reply, {
      OneTimeToken: {
        OneTimeSecretID: this.secrets.oneTime(issued.drawn),
        AccessorID: id,
        ExpiresAt: issued.expiresAt,
        CreateIndex: issued.index,
        ModifyIndex: issued.index,
      },
      Index: issued.index,
    });
  }

  @Put('token/onetime/exchange')
  async exchange(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const options = { chunked: isChunked(request) };
    const { OneTimeSecretID: secret } = orThrow(decodeBody(bodyOf(request), oneTimeExchangeRequest, options), '', 400);
    if (!secret) throw new NomadError('one-time token lookup failed: missing secret', 500);
    const oneTimeDigest = digestOfSecret(secret);
    const [row] = await this.readModels.list({
      table: 'acl_one_time_secret',
      where: { id: oneTimeDigest },
      order: 'key',
    });
    if (row === undefined) throw denied();
    const id = row.document;
    const write = {
      name: 'ExchangeOneTimeSecret',
      reads: [aclTokenStream(id)],
      fingerprint: this.keyring.digest(bodyOf(request)),
      decide: (view: StateView, context: CommandContext) => exchangeOneTimeSecret(view, context, { id, oneTimeDigest }),
    };
    return this.tokens.send(request, reply, write, { around: (Token, Index) => ({ Token, Index }) });
  }

  private body(request: FastifyRequest) {
    return orThrow(decodeBody(bodyOf(request), aclTokenRequest, { chunked: isChunked(request) }), '', 400);
  }

  private idIn(request: FastifyRequest): string {
    const id = idOf(request);
    // They are no ids, and have methods of their own.
    if (id === 'onetime' || id === 'self') throw new NomadError('Invalid method', 405);
    requireAcls(this.server);
    if (id === '') throw new NomadError('Missing Token Accessor', 400);
    const parsed = parseUuid(id);
    return parsed.ok ? parsed.value : id;
  }
}
