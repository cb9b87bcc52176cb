import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Controller, Put, Req, Res } from '@nestjs/common';
import { asOf, bootstrapAcl, renderAclToken, type AclTokenAnswer } from '@app/domain';
import { ACL_REGISTRY, type Index } from '@app/kernel';
import { digestOfSecret, Keyring } from '@app/keyring';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, isChunked, orThrow } from '../edge/exchange.js';
import { definitionHash } from '../edge/named.js';
import { sendJson } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { textOf, Writes, type Write } from '../edge/writes.js';
import { aclBootstrapRequest, decodeBody, isUuid, NomadError } from '../http/index.js';
import { requireAcls } from './requirement.js';
import { TokenSecrets } from './token-secrets.js';

/** Where whoever may write to a server's disk says that one more bootstrap is wanted. */
export class BootstrapReset {
  constructor(private readonly dataDir: string) {}

  /** The index in the file; undefined: there is no such file, or no number in it. */
  async index(): Promise<Index | undefined> {
    const text = await readFile(join(this.dataDir, 'server', 'acl-bootstrap-reset'), 'utf8').catch(() => '');
    return /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : undefined;
  }
}

/** Nomad: /v1/acl/bootstrap; spec/http-api §4.11, http-api-more §12. */
@Controller('v1/acl/bootstrap')
export class AclBootstrapController {
  constructor(
    private readonly writes: Writes,
    private readonly secrets: TokenSecrets,
    private readonly keyring: Keyring,
    private readonly reset: BootstrapReset,
    private readonly server: ServerIdentity,
  ) {}

  @Put()
  async bootstrap(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const given = secretIn(request);
    const accessorId = randomUUID();
    const secretDigest = digestOfSecret(given || this.secrets.of(accessorId));
    const hash = definitionHash({ accessorId });
    const resetIndex = await this.reset.index();
    const write: Write<AclTokenAnswer> = {
      name: 'BootstrapAcl',
      reads: [ACL_REGISTRY],
      fingerprint: this.keyring.digest(bodyOf(request)),
      decide: (view, context) => bootstrapAcl(view, context, { accessorId, secretDigest, hash, resetIndex }),
      render: ({ token }, index) => renderAclToken(asOf(token, index), new Map(), ''),
    };
    const outcome = await this.writes.execute(request, write);
    const token = JSON.parse(textOf(write, outcome)) as { readonly AccessorID: string };
    reply.header('X-Nomad-Index', outcome.index);
    sendJson(request, reply, { ...token, SecretID: given || this.secrets.of(token.AccessorID) });
  }
}

/** The secret that the token is to have; empty: any. */
function secretIn(request: FastifyRequest): string {
  const body = bodyOf(request);
  if (body.length === 0) return '';
  const prefix = 'failed to decode request body: ';
  const decoded = orThrow(decodeBody(body, aclBootstrapRequest, { chunked: isChunked(request) }), prefix, 400);
  const secret = decoded.BootstrapSecret ?? '';
  if (secret !== '' && !isUuid(secret)) throw new NomadError('invalid acl token', 400);
  return secret;
}
