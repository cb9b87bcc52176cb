import { Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import type { EventStore } from '@app/event-store';
import {
  defineWebhook,
  deleteWebhook,
  disableWebhook,
  discardLetters,
  enableWebhook,
  redeliverLetters,
  renderDeadLetter,
  type Webhook,
  type WebhookLettersState,
  type WebhooksState,
} from '@app/domain';
import { Keyring, newWebhookSecret, webhookSecretContext, webhookSecretProblem } from '@app/keyring';
import { webhookLettersStream, WEBHOOKS, type Index } from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { bodyOf, idOf, isChunked, metaOf, orThrow } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { sendJson } from '../edge/reads.js';
import { Writes, type Write } from '../edge/writes.js';
import { chosenLettersRequest, decodeBody, NomadError, webhookRequest } from '../http/index.js';
import { Origins } from './origins.js';
import { definitionOf, topicsFollowed } from './webhook-requests.js';
import { renderProgress, type WebhookDesk } from './webhook-desk.js';

/** What webhooks are told with and tried by; one for a server. */
export class WebhookServices {
  constructor(
    readonly desk: WebhookDesk,
    readonly store: Pick<EventStore, 'readHead'>,
  ) {}
}

interface DefinedWebhook {
  /** Encrypted; null: the secret is one that its owner knows. */
  readonly generated: string | null;
}

/** No index is 0, and nothing came before this. */
const FIRST_INDEX = 1;

/** Beyond Nomad: who is told of events. How deliveries fare depends on the time, so it is read anew each time and not waited for. */
@Controller('v1/operator/rollbook')
export class WebhooksController {
  constructor(
    private readonly objects: Objects,
    private readonly writes: Writes,
    private readonly keyring: Keyring,
    private readonly origins: Origins,
    private readonly services: WebhookServices,
  ) {}

  @Get('webhooks')
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { webhooks, modifyIndex } = await this.state();
    reply.header('X-Nomad-Index', modifyIndex);
    sendJson(request, reply, await this.told(webhooks));
  }

  @Get('webhooks/:id')
  async read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { webhook, modifyIndex } = await this.found(request);
    const [told] = await this.told([webhook]);
    const [letters] = await this.objects.states<WebhookLettersState>([webhookLettersStream(webhook.id)]);
    // As of which commit it is told, as whoever acts upon it says by X-Rollbook-If-Index.
    reply.header('X-Nomad-Index', Math.max(modifyIndex, letters?.modifyIndex ?? 0));
    sendJson(request, reply, { ...told, Letters: (letters?.letters ?? []).map(renderDeadLetter) });
  }

  /** The secret is in the answer if it was generated now, and in no other. */
  @Put('webhooks/:id')
  async define(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), webhookRequest, { chunked: isChunked(request) }), '', 400);
    const id = idOf(request);
    const definition = definitionOf(body);
    if (!topicsFollowed(definition, accessOf(request)))
      throw new NomadError('Permission denied: a webhook is told only of what its maker may follow', 403);
    const given = body.Secret ?? '';
    const problem = given === '' ? undefined : webhookSecretProblem(given);
    if (problem !== undefined) throw new NomadError(problem, 400);
    const seal = (secret: string): string => this.keyring.sealSecret(secret, webhookSecretContext(id));
    const sealed = given === '' ? undefined : seal(given);
    const command = { id, definition, sealed, generated: seal(newWebhookSecret()), isRenewed: body.NewSecret ?? false };
    const taken = await this.writes.execute<DefinedWebhook>(request, {
      name: 'DefineWebhook',
      reads: [WEBHOOKS],
      fingerprint: this.keyring.digest(bodyOf(request)),
      decide: (view, context) => defineWebhook(view, context, command),
      // As it is kept for a repeated key: encrypted.
      render: (answer) => answer,
    });
    const { generated } = taken.kind === 'accepted' ? taken.answer : (JSON.parse(taken.answer) as DefinedWebhook);
    reply.header('X-Nomad-Index', taken.index);
    sendJson(request, reply, {
      ID: id,
      Index: taken.index,
      ...(generated !== null && { Secret: this.keyring.openSecret(generated, webhookSecretContext(id)) }),
    });
  }

  @Delete('webhooks/:id')
  remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.change(request, reply, {
      name: 'DeleteWebhook',
      decide: (view, context) => deleteWebhook(view, context, { id: idOf(request) }),
    });
  }

  @Put('webhooks/:id/enable')
  enable(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.change(request, reply, {
      name: 'EnableWebhook',
      decide: (view, context) => enableWebhook(view, context, { id: idOf(request) }),
    });
  }

  @Put('webhooks/:id/disable')
  disable(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.change(request, reply, {
      name: 'DisableWebhook',
      decide: (view, context) => disableWebhook(view, context, { id: idOf(request), trouble: '' }),
    });
  }

  /** Sends a message that tells nothing, now and once, whatever became of others; nothing of it is kept. */
  @Put('webhooks/:id/test')
  async test(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { webhook } = await this.found(request);
    const { storeEpoch } = await this.services.store.readHead();
    const { deliveryId, status, error, ms } = await this.services.desk.ping(webhook, storeEpoch);
    sendJson(request, reply, { DeliveryID: deliveryId, Status: status, Error: error, Milliseconds: ms });
  }

  @Put('webhooks/:id/redeliver')
  redeliver(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const command = this.chosen(request);
    return this.writes.send(request, reply, {
      name: 'RedeliverLetters',
      reads: [webhookLettersStream(command.id), WEBHOOKS],
      decide: (view, context) => redeliverLetters(view, context, command),
      render: ({ count }, index) => ({ Count: count, Index: index }),
    });
  }

  /** What is discarded is never delivered: it needs a reason. */
  @Put('webhooks/:id/discard')
  discard(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const command = this.chosen(request);
    if (!metaOf(request).reason?.trim())
      throw new NomadError('say why, by X-Rollbook-Reason: what is discarded is never delivered', 400);
    return this.writes.send(request, reply, {
      name: 'DiscardLetters',
      reads: [webhookLettersStream(command.id), WEBHOOKS],
      decide: (view, context) => discardLetters(view, context, command),
      render: ({ count }, index) => ({ Count: count, Index: index }),
    });
  }

  private chosen(request: FastifyRequest): {
    readonly id: string;
    readonly deliveryIds: readonly string[] | undefined;
  } {
    const body = bodyOf(request);
    if (body.length === 0) return { id: idOf(request), deliveryIds: undefined };
    const { IDs } = orThrow(decodeBody(body, chosenLettersRequest, { chunked: isChunked(request) }), '', 400);
    return { id: idOf(request), deliveryIds: IDs };
  }

  private change(request: FastifyRequest, reply: FastifyReply, write: Pick<Write<undefined>, 'name' | 'decide'>) {
    const id = idOf(request);
    const reads = [WEBHOOKS, webhookLettersStream(id)];
    return this.writes.send(request, reply, {
      ...write,
      reads,
      render: (_answer, index) => ({ ID: id, Index: index }),
    });
  }

  private async state(): Promise<WebhooksState> {
    const [state] = await this.objects.states<WebhooksState>([WEBHOOKS]);
    return state ?? { webhooks: [], modifyIndex: FIRST_INDEX };
  }

  private async found(request: FastifyRequest): Promise<{ readonly webhook: Webhook; readonly modifyIndex: Index }> {
    const id = idOf(request);
    const { webhooks, modifyIndex } = await this.state();
    const webhook = webhooks.find((one) => one.id === id);
    if (webhook === undefined) throw new NomadError('webhook not found', 404);
    return { webhook, modifyIndex };
  }

  private async told(webhooks: readonly Webhook[]): Promise<object[]> {
    const [letters, progress, head] = await Promise.all([
      this.objects.states<WebhookLettersState>(webhooks.map(({ id }) => webhookLettersStream(id))),
      this.services.desk.progress(),
      this.services.store.readHead(),
    ]);
    return Promise.all(
      webhooks.map(async (webhook, i) => ({
        ...renderProgress(webhook, letters[i], progress.get(webhook.id), head.index),
        Created: await this.origins.of(webhook.createIndex),
        Modified: await this.origins.of(webhook.modifyIndex),
      })),
    );
  }
}
