import { secretsBrought, uploadAclToken, type AclRegistryState } from '@app/domain';
import { ACL_REGISTRY, aclTokenStream, type CommandContext, type StateView } from '@app/kernel';
import { digestOfSecret, type Keyring } from '@app/keyring';
import type { ReadModels } from '@app/read-models';
import type { LogTail } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf } from '../edge/exchange.js';
import type { Objects } from '../edge/objects.js';
import { isUuid, NomadError, type AclTokenRequest } from '../http/index.js';
import { tokenCommand } from './token-requests.js';
import type { TokenWrites } from './token-writes.js';

const NO_UUIDS = 'the accessor and the secret of an uploaded token must be UUIDs';
const MAX_TRIES = 5;

/** Tokens whose accessors and secrets are brought along. Only the digest of such a secret is kept: it is shown once, and to its holder. */
export class TokenUploads {
  /** Uploads through this instance follow each other: what one brings along makes what another has looked up outdated. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly tail: Pick<LogTail, 'readIndex'>,
    private readonly readModels: Pick<ReadModels, 'keys'>,
    private readonly objects: Objects,
    private readonly tokens: TokenWrites,
    private readonly keyring: Pick<Keyring, 'digest'>,
  ) {}

  /** @throws NomadError (400) for an accessor or a secret that is no UUID, and for a secret that another token has; a known token is changed */
  async send(request: FastifyRequest, reply: FastifyReply, accessorId: string, body: AclTokenRequest): Promise<void> {
    const secret = body.SecretID ?? '';
    // As it is looked up and revoked by, whatever the spelling that it came in.
    const id = accessorId.toLowerCase();
    const mine = this.last.then(() => this.tryAll(request, reply, id, secret, body));
    this.last = mine.catch(() => undefined);
    return mine;
  }

  /** Another instance may have uploaded one meanwhile, whose secret was not looked at. */
  private async tryAll(...upload: Parameters<TokenUploads['once']>): Promise<void> {
    for (let left = MAX_TRIES - 1; ; left--) {
      try {
        return await this.once(...upload);
      } catch (error) {
        if (left === 0 || !(error instanceof NomadError) || error.status !== 409) throw error;
      }
    }
  }

  private async once(
    request: FastifyRequest,
    reply: FastifyReply,
    accessorId: string,
    secret: string,
    body: AclTokenRequest,
  ): Promise<void> {
    const secretDigest = digestOfSecret(secret);
    const fault = [accessorId, secret].every(isUuid) ? undefined : NO_UUIDS;
    await this.tail.readIndex();
    // Before the tokens are: who brings a secret along afterwards makes this outdated.
    const [registry] = await this.objects.states<AclRegistryState>([ACL_REGISTRY]);
    const holders = await this.readModels.keys('acl_token', { secret_digest: secretDigest });
    const command = {
      ...tokenCommand(body),
      accessorId,
      secretDigest,
      isSecretTaken: holders.some((holder) => holder !== accessorId),
      brought: secretsBrought(registry),
      ...(fault !== undefined && { fault }),
    };
    const write = {
      name: 'UploadAclToken',
      reads: [aclTokenStream(accessorId), ACL_REGISTRY],
      fingerprint: this.keyring.digest(bodyOf(request)),
      decide: (view: StateView, context: CommandContext) => uploadAclToken(view, context, command),
    };
    return this.tokens.send(request, reply, write, { secret });
  }
}
