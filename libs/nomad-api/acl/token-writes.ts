import { asOf, renderAclToken, type AclTokenAnswer, type AclTokenState } from '@app/domain';
import { aclTokenStream, type Index } from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Objects } from '../edge/objects.js';
import { sendJson } from '../edge/reads.js';
import { textOf, type Write, type Writes } from '../edge/writes.js';
import type { TokenSecrets } from './token-secrets.js';

/** Commands that answer with a token. What is kept of an answer has no secret in it: that is put in when it is sent. */
export class TokenWrites {
  constructor(
    private readonly writes: Writes,
    private readonly objects: Objects,
    private readonly secrets: TokenSecrets,
  ) {}

  async send(
    request: FastifyRequest,
    reply: FastifyReply,
    write: Omit<Write<AclTokenAnswer>, 'render'>,
    around: (token: object, index: Index) => object = (token) => token,
  ): Promise<void> {
    const whole = { ...write, render: renderAnswer };
    const outcome = await this.writes.execute(request, whole);
    reply.header('X-Nomad-Index', outcome.index);
    sendJson(request, reply, around(await this.withSecret(textOf(whole, outcome)), outcome.index));
  }

  private async withSecret(text: string): Promise<object> {
    const rendered = JSON.parse(text) as { readonly AccessorID: string };
    const [token] = await this.objects.states<AclTokenState>([aclTokenStream(rendered.AccessorID)]);
    return { ...rendered, SecretID: token === undefined ? '' : this.secrets.shown(token) };
  }
}

const renderAnswer = ({ token, roleNames }: AclTokenAnswer, index: Index): object =>
  renderAclToken(asOf(token, index), new Map(roleNames), '');
