import { createHash } from 'node:crypto';
import { CommandHandler, type Command, type Outcome } from '@app/event-store';
import { noteFrozen, unlessFrozen, type Change, type FrozenDetail } from '@app/domain';
import {
  assertNever,
  FREEZES,
  type CommandContext,
  type Decision,
  type EventMeta,
  type Index,
  type StateView,
  type StreamName,
} from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { Busy } from './busy.js';
import { NomadError, writeOptions } from '../http/index.js';
import { bodyOf, metaOf, overridesFreeze, queryOf, seenIndexOf } from './exchange.js';
import { sendText } from './reads.js';
import { wordingOf } from './rejections.js';
import { ServerIdentity } from './server-identity.js';
import { Since } from './since.js';

/** A write as a controller describes it. */
export interface Write<A> {
  readonly name: string;
  /** Who asks, where that is better known than by the request's token. */
  readonly actor?: string;
  /** The first is the object that is acted upon, which `X-Rollbook-If-Index` is about. */
  readonly reads?: readonly StreamName[];
  readonly decide: (view: StateView, context: CommandContext) => Decision<A>;
  /** Whose change it is, where a freeze may hold it up. */
  readonly changes?: Change['of'];
  /** The body of the answer; `index` 0 when nothing was written. */
  readonly render: (answer: A, index: Index) => object | boolean;
  /** Stands for the body where it holds secrets: digests of what is easily guessed tell it. */
  readonly fingerprint?: string;
  /** It comes before the write that the request is for, whose key it does not use; repeated, it changes nothing more. */
  readonly isPart?: boolean;
  /** A key of the write's own, instead of the request's: what is sent with the same key again is only told what became of the first. */
  readonly once?: { readonly key: string; readonly render: (answer: A, index: Index) => object };
}

/** What became of a write that was taken, now or when it was sent first. */
type Taken<A> = Extract<Outcome<A>, { kind: 'accepted' | 'duplicate' }>;

/** The body of its answer. */
export const textOf = <A>({ render }: Write<A>, taken: Taken<A>): string =>
  taken.kind === 'duplicate' ? taken.answer : JSON.stringify(render(taken.answer, taken.index));

/** Runs commands for controllers: rejections become Nomad's texts, everything else its own clear answer. */
export class Writes {
  constructor(
    private readonly handler: CommandHandler,
    private readonly server: ServerIdentity,
    private readonly since: Since,
  ) {}

  /** The namespace of a write: query first, then what the body says. */
  namespace(request: FastifyRequest, fallback?: string): string {
    const { namespace, region } = writeOptions(queryOf(request));
    if (region !== undefined && region !== this.server.region) throw new NomadError('No path to region');
    const chosen = namespace ?? (fallback || 'default');
    accessOf(request).about(chosen);
    return chosen;
  }

  /** Executes a command and sends its answer with `X-Nomad-Index`. */
  async send<A>(request: FastifyRequest, reply: FastifyReply, write: Write<A>): Promise<void> {
    const outcome = await this.execute(request, write);
    reply.header('X-Nomad-Index', outcome.index);
    sendText(request, reply, textOf(write, outcome));
  }

  /** Executes a command whose answer is `X-Nomad-Index` and nothing else. */
  async sendEmpty(
    request: FastifyRequest,
    reply: FastifyReply,
    write: Omit<Write<undefined>, 'render'>,
  ): Promise<void> {
    const outcome = await this.execute(request, { ...write, render: () => ({}) });
    reply.header('X-Nomad-Index', outcome.index).code(200).send();
  }

  /** Executes a command; what is not accepted is thrown as the answer to send. */
  async execute<A>(request: FastifyRequest, write: Write<A>): Promise<Taken<A>> {
    accessOf(request).beforeCommand();
    const meta = write.actor === undefined ? metaOf(request) : { ...metaOf(request), actor: write.actor };
    const seen = seenBy(request, write.reads?.[0]);
    const idempotency = write.isPart ? undefined : idempotencyOf(request, write, meta.idempotencyKey);
    const decide = write.changes === undefined ? write.decide : unlessFrozen(write.decide, changeOf(request, write));
    const reads = write.changes === undefined ? write.reads : [...(write.reads ?? []), FREEZES];
    const command: Command<A> = {
      name: write.name,
      decide,
      meta,
      ...(reads === undefined ? {} : { reads }),
      ...(seen === undefined ? {} : { seen }),
      ...(idempotency === undefined ? {} : { idempotency }),
    };
    const outcome = await this.handler.execute(command);
    switch (outcome.kind) {
      case 'accepted':
      case 'duplicate':
        return outcome;
      case 'rejected':
        if (outcome.rejection.code === 'frozen') await this.noteFrozen(outcome.rejection.detail ?? '', meta);
        throw wordingOf(outcome.rejection);
      case 'outdated':
        throw await this.since.refusal(seen!);
      case 'overloaded':
        throw new Busy('too many commands are waiting; try again', Math.ceil(outcome.retryAfterMs / 1000));
      case 'key-reused':
        throw new NomadError('the Idempotency-Key was used for another request', 422);
      case 'conflict':
        throw new NomadError('the objects of this request are being changed too often; try again', 409);
      case 'fenced':
        throw new Error(`command ${write.name} is not a leader's, but was fenced`);
    }
    return assertNever(outcome);
  }

  /** A refused command leaves nothing behind: that a freeze refused it is a commit of its own, by the same person for the same reason. */
  private async noteFrozen(detail: string, { idempotencyKey: _unused, ...meta }: EventMeta): Promise<void> {
    const frozen = JSON.parse(detail) as FrozenDetail;
    await this.handler.execute({
      name: 'NoteFrozen',
      meta,
      decide: (view, context) => noteFrozen(view, context, frozen),
    });
  }
}

function changeOf<A>(request: FastifyRequest, { name, changes }: Write<A>): Change {
  const access = accessOf(request);
  return {
    command: name,
    of: changes!,
    // Nomad's own capability for what softly refuses.
    mayOverride: overridesFreeze(request)
      ? (namespace) => !access.isEnforced || access.permissions.inNamespace(namespace, 'sentinel-override')
      : undefined,
  };
}

function seenBy(request: FastifyRequest, stream: StreamName | undefined): Command<unknown>['seen'] {
  const index = seenIndexOf(request);
  if (index === undefined) return undefined;
  if (stream === undefined) throw new NomadError('X-Rollbook-If-Index: this request acts upon no single object', 400);
  return { stream, index };
}

function idempotencyOf<A>(
  request: FastifyRequest,
  { once, render, fingerprint }: Write<A>,
  key: string | undefined,
): Command<A>['idempotency'] {
  const encode = (how: Write<A>['render']) => (answer: A, index: string) => JSON.stringify(how(answer, Number(index)));
  if (once !== undefined) return { key: once.key, fingerprint: '', encode: encode(once.render) };
  return key === undefined ? undefined : { key, fingerprint: digestOf(request, fingerprint), encode: encode(render) };
}

const digestOf = (request: FastifyRequest, body: string | undefined): string =>
  createHash('sha256')
    .update(`${request.method} ${request.raw.url}\n`)
    .update(body ?? bodyOf(request))
    .digest('hex');
