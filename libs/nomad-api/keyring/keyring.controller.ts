import { Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import { nsFromUs, KEYRING, type Index, type TimeNs } from '@app/kernel';
import { rawNumber, removeRootKey, renderRootKey, rootKey, rotateKeyring } from '@app/domain';
import { Keyring } from '@app/keyring';
import { Variables } from '@app/read-models';
import { LogTail } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { idOf, queryOf } from '../edge/exchange.js';
import { jsonAnswer, Reads } from '../edge/reads.js';
import { WORDINGS } from '../edge/rejections.js';
import { Writes } from '../edge/writes.js';
import { boolParam, NomadError, param, parseInt64, type Query } from '../http/index.js';

const KEY = 'key/';
const ATTEMPTS = 5;
/** No index is 0, and nothing came before this. */
const FIRST_INDEX = 1;

/** Nomad: /v1/operator/keyring; spec/http-api-more §3. What follows the prefix is looked at as Nomad does: by how it begins. */
@Controller('v1/operator/keyring')
export class KeyringController {
  constructor(
    private readonly reads: Reads,
    private readonly writes: Writes,
    private readonly keyring: Keyring,
    private readonly variables: Variables,
    private readonly tail: LogTail,
  ) {}

  @Get(':id')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!idOf(request).startsWith('keys')) throw invalidMethod();
    return this.reads.send(request, reply, this.reads.options(request), {
      key: `${KEYRING}?keys`,
      topics: [KEYRING],
      load: async () => {
        const state = await this.keyring.state();
        const index = Math.max(state?.modifyIndex ?? 0, FIRST_INDEX);
        return jsonAnswer(JSON.stringify((state?.keys ?? []).map(renderRootKey)), index);
      },
    });
  }

  @Put(':id')
  async rotate(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!idOf(request).startsWith('rotate')) throw invalidMethod();
    const query = queryOf(request);
    const full = query.has('full');
    const publishTime = publishTimeOf(query);
    if (full && publishTime !== '0')
      throw new NomadError('keyring cannot be prepublished and full rotated at the same time', 500);
    const key = await this.keyring.newKey();
    return this.writes.send(request, reply, {
      name: 'RotateKeyring',
      reads: [KEYRING],
      decide: (view, context) => {
        const decision = rotateKeyring(view, context, { key, full, publishTime });
        return decision.kind === 'rejected' ? decision : { ...decision, answer: nsFromUs(context.now) };
      },
      render: (createTime, index) => ({
        Key: {
          KeyID: key.id,
          Algorithm: 'aes256-gcm',
          CreateTime: rawNumber(createTime),
          CreateIndex: 0,
          ModifyIndex: 0,
          State: publishTime === '0' ? 'active' : 'prepublished',
          PublishTime: rawNumber(publishTime),
        },
        Index: index,
      }),
    });
  }

  @Delete(':id')
  async remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const path = idOf(request);
    if (!path.startsWith('key')) throw invalidMethod();
    const forced = boolParam(queryOf(request), 'force');
    if (!forced.ok) throw new NomadError('invalid force parameter', 422);
    const id = path.slice(KEY.length);
    if (id === '') throw new NomadError('root key ID is required', 500);
    for (let attempt = 1; ; attempt++) {
      const use = forced.value ? null : await this.useOf(id);
      try {
        return await this.writes.send(request, reply, {
          name: 'RemoveRootKey',
          reads: [KEYRING],
          decide: (view, context) => removeRootKey(view, context, { id, use }),
          render: (_answer, index) => ({ Index: index }),
        });
      } catch (error) {
        if (!isMoved(error) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Whether something needs the key, and as of which of its states: only the active key is put to new uses. */
  private async useOf(id: string): Promise<{ readonly inUse: boolean; readonly modifyIndex: Index }> {
    await this.tail.readIndex();
    const modifyIndex = rootKey(await this.keyring.state(), id)?.modifyIndex ?? 0;
    return { inUse: await this.variables.isKeyInUse(id), modifyIndex };
  }
}

const invalidMethod = (): NomadError => new NomadError('Invalid method', 405);

/** The keyring was rotated between a look at it and the command. */
export const isMoved = (error: unknown): boolean =>
  error instanceof NomadError && error.text === WORDINGS['keyring-moved'].text('');

function publishTimeOf(query: Query): TimeNs {
  const text = param(query, 'publish_time');
  if (text === '') return '0';
  const time = parseInt64(text);
  if (!time.ok) throw new NomadError(`invalid publish_time: ${time.error}`, 500);
  return String(time.value);
}
