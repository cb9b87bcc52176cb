import { asOf, renderAclToken, type AclTokenAnswer, type AclTokenState } from '@app/domain';
import { aclTokenStream, type Index } from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Objects } from '../edge/objects.js';
import { sendJson } from '../edge/reads.js';
import { textOf, type Write, type Writes } from '../edge/writes.js';
import type { TokenSecrets } from './token-secrets.js';

interface SentToken {
  /** What is sent instead of the token alone. */
  readonly around?: (token: object, index: Index) => object;
  /** What the caller says that the token's secret is: shown if it is. */
  readonly secret?: string;
}

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
    { around = (token) => token, secret }: SentToken = {},
  ): Promise<void> {
    const whole = { ...write, render: renderAnswer };
    const outcome = await this.writes.execute(request, whole);
    reply.header('X-Nomad-Index', outcome.index);
    sendJson(request, reply, around(await this.withSecret(textOf(whole, outcome), secret), outcome.index));
  }

  private async withSecret(text: string, brought = ''): Promise<object> {
    const rendered = JSON.parse(text) as { readonly AccessorID: string };
    const [token] = await this.objects.states<AclTokenState>([aclTokenStream(rendered.AccessorID)]);
    return { ...rendered, SecretID: token === undefined ? '' : this.secrets.shown(token, brought) };
  }
}

const renderAnswer = ({ token, roleNames }: AclTokenAnswer, index: Index): object =>
  renderAclToken(asOf(token, index), new Map(roleNames), '');
