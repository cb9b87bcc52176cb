import { Controller, Delete, Get, Head, Options, Patch, Put, Req, Res } from '@nestjs/common';
import {
  deleteVariable,
  lockVariable,
  releaseVariable,
  renderVariableMetadata,
  writeVariable,
  type SealedItems,
  type VariableCapability,
  type VariableAnswer,
  type VariableState,
} from '@app/domain';
import { KEYRING, variableStream, type CommandContext, type Decision, type Index, type StateView } from '@app/kernel';
import { Keyring, type Items } from '@app/keyring';
import { LockRenewals } from '@app/read-models';
import { LogTail, type Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf, type Access } from '../acl/access.js';
import { bodyOf, idOf, isChunked, orThrow, queryOf } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { Reads, sendJson, sendText } from '../edge/reads.js';
import { textOf, Writes } from '../edge/writes.js';
import { decodeBody, NomadError, param, parseUint64, variableRequest, type VariableRequest } from '../http/index.js';
import { isMoved } from '../keyring/keyring.controller.js';
import { allowOtherOrigins } from './cross-origin.js';
import { checkNamespace, checkPath, checkSize, lockDuration, lockTimes, multi, rpcError } from './variable-rules.js';
import { noVariable, openedText, variableText, withCommitIndex, type KeptAnswer } from './variable-texts.js';
import { variableOptions } from './variables.controller.js';

const LOCK_OPERATIONS = ['lock-acquire', 'lock-release', 'lock-renew'] as const;
type LockOperation = (typeof LOCK_OPERATIONS)[number];
const ATTEMPTS = 5;
const NO_ITEMS: Items = new Map();

/** A write of a variable as its request describes it. */
interface Target {
  readonly namespace: string;
  readonly path: string;
}
type Change = (view: StateView, context: CommandContext, items: SealedItems) => Decision<VariableAnswer>;

/** Nomad: /v1/var; spec/http-api-more §2. Items are encrypted before they reach a command, and decrypted for the answer. */
@Controller('v1')
export class VariableController {
  constructor(
    private readonly reads: Reads,
    private readonly writes: Writes,
    private readonly objects: Objects,
    private readonly keyring: Keyring,
    private readonly renewals: LockRenewals,
    private readonly tail: LogTail,
  ) {}

  @Get('var/:id')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    allowOtherOrigins(reply);
    const options = variableOptions(this.reads, request);
    const target = { namespace: options.namespace, path: pathOf(request) };
    return this.reads.send(request, reply, options, (access) => {
      settle(access, target, 'read');
      return this.readingOf(target, access.permissions.isManagement);
    });
  }

  private readingOf({ namespace, path }: Target, showsLock: boolean): DataQuery {
    return this.objects.rendered(
      variableStream(namespace, path),
      'variable',
      { text: 'variable not found' },
      async (state) => {
        const variable = state as VariableState;
        if (variable.purged) return undefined;
        const items = await openedText(this.keyring, variable);
        return { text: variableText(variable, items, showsLock), index: variable.modifyIndex };
      },
      showsLock ? 'with its lock' : '',
    );
  }

  @Put('var/:id')
  write(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    allowOtherOrigins(reply);
    const path = pathOf(request);
    const operation = lockOperationOf(request);
    const cas = casOf(request);
    if (operation !== undefined && cas !== null) throw new NomadError("CAS can't be used with lock operations", 400);
    const body = orThrow(decodeBody(bodyOf(request), variableRequest, { chunked: isChunked(request) }), '', 400);
    const target = { namespace: body.Namespace || this.writes.namespace(request), path };
    switch (operation) {
      case 'lock-renew':
        return this.renew(request, reply, target, body);
      case 'lock-release':
        return this.release(request, reply, target, body);
      case 'lock-acquire':
        return this.acquire(request, reply, target, body);
      case undefined:
        return this.replace(request, reply, target, body, cas);
    }
  }

  @Delete('var/:id')
  async remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    allowOtherOrigins(reply);
    const target = { path: pathOf(request), namespace: this.writes.namespace(request) };
    const cas = casOf(request);
    settle(accessOf(request), target, 'destroy');
    const outcome = await this.writes.execute(request, {
      name: 'DeleteVariable',
      reads: [variableStream(target.namespace, target.path)],
      decide: (view, context) => deleteVariable(view, context, { ...target, cas }),
      render: (answer): KeptAnswer => answer,
    });
    const answer = outcome.kind === 'accepted' ? outcome.answer : (JSON.parse(outcome.answer) as KeptAnswer);
    if (answer.kind === 'conflict') return this.sendConflict(request, reply, target, answer.variable);
    reply
      .code(204)
      .header('X-Nomad-Index', outcome.index || this.tail.tableIndex('variable'))
      .send();
  }

  /** Elsewhere a wrong method is a 405. Nest knows one method of a handler. */
  @Head('var/:id')
  head(@Res() reply: FastifyReply): never {
    return refuseMethod(reply);
  }
  @Patch('var/:id')
  patch(@Res() reply: FastifyReply): never {
    return refuseMethod(reply);
  }
  @Options('var/:id')
  options(@Res() reply: FastifyReply): never {
    return refuseMethod(reply);
  }

  private replace(
    request: FastifyRequest,
    reply: FastifyReply,
    target: Target,
    body: VariableRequest,
    cas: Index | null,
  ): Promise<void> {
    const items = itemsOf(body);
    if (items.size === 0) throw new NomadError('variable missing required Items object', 400);
    checkTarget(target);
    checkSize(items);
    const { ttl, delay, lockId } = lockOf(body);
    if (ttl !== 0 || delay !== 0) throw rpcError('RPC Error:: 400,variable should not contain lock definition');
    return this.change(request, reply, 'WriteVariable', target, items, (view, context, sealed) =>
      writeVariable(view, context, { ...target, items: sealed, cas, lockId }),
    );
  }

  private acquire(request: FastifyRequest, reply: FastifyReply, target: Target, body: VariableRequest): Promise<void> {
    const { ttl, delay, lockId } = lockOf(body);
    checkTarget(target);
    const times = lockTimes(ttl, delay);
    const items = itemsOf(body);
    checkSize(items);
    return this.change(request, reply, 'LockVariable', target, items, (view, context, sealed) =>
      lockVariable(view, context, { ...target, items: sealed, cas: null, lockId, ...times }),
    );
  }

  private release(request: FastifyRequest, reply: FastifyReply, target: Target, body: VariableRequest): Promise<void> {
    const { lockId } = lockOf(body);
    if (lockId === '') throw rpcError('missing lock information');
    if (itemsOf(body).size > 0) throw rpcError("lock release operation doesn't take variable items");
    checkTarget(target);
    return this.change(request, reply, 'ReleaseVariable', target, undefined, (view, context) =>
      releaseVariable(view, context, { ...target, lockId }),
    );
  }

  /** Renewals are not in the log: nothing about the variable changes. */
  private async renew(
    request: FastifyRequest,
    reply: FastifyReply,
    target: Target,
    body: VariableRequest,
  ): Promise<void> {
    const { lockId } = lockOf(body);
    if (lockId === '') throw new NomadError(multi('missing lock ID'), 500);
    checkTarget(target);
    settle(accessOf(request), target, 'write');
    await this.tail.readIndex();
    const [variable] = await this.objects.states<VariableState>([variableStream(target.namespace, target.path)]);
    if (variable === undefined || variable.purged) throw new NomadError("variable doesn't exist", 404);
    const { lock } = variable;
    if (lock === null) throw new NomadError("variable doesn't hold a lock", 409);
    if (lock.id !== lockId || !(await this.renewals.note(lock.id, lock.ttl)))
      throw new NomadError('attempting to modify locked variable', 409);
    sendJson(request, reply, renderVariableMetadata(variable, true));
  }

  /** @param items undefined: those that are stored stay, and are not shown */
  private async change(
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    target: Target,
    items: Items | undefined,
    decide: Change,
  ): Promise<void> {
    settle(accessOf(request), target, 'write');
    const { index, answer } = await this.executed(request, name, target, items, decide);
    const { kind, variable } = answer;
    if (kind === 'conflict' || variable === null) return this.sendConflict(request, reply, target, variable);
    const changed = withCommitIndex(variable, index);
    if (name === 'LockVariable' && changed.lock !== null) await this.renewals.note(changed.lock.id, changed.lock.ttl);
    reply.header('X-Nomad-Index', index);
    const text = items === undefined ? '{}' : await openedText(this.keyring, changed);
    sendText(request, reply, variableText(changed, text, true));
  }

  /** Encrypts by the active key, and once more if the keyring was rotated just then. */
  private async executed(
    request: FastifyRequest,
    name: string,
    { namespace, path }: Target,
    items: Items | undefined,
    decide: Change,
  ): Promise<{ readonly index: Index; readonly answer: KeptAnswer }> {
    for (let attempt = 1; ; attempt++) {
      const sealed = await this.keyring.sealItems(namespace, path, items ?? NO_ITEMS);
      try {
        const write = {
          name,
          reads: [KEYRING, variableStream(namespace, path)],
          decide: (view: StateView, context: CommandContext) => decide(view, context, sealed),
          render: (answer: VariableAnswer): KeptAnswer => answer,
          fingerprint: this.keyring.digest(bodyOf(request)),
        };
        const outcome = await this.writes.execute(request, write);
        return { index: outcome.index, answer: JSON.parse(textOf(write, outcome)) as KeptAnswer };
      } catch (error) {
        if (!isMoved(error) || attempt === ATTEMPTS) throw error;
        await this.tail.readIndex();
      }
    }
  }

  /** Nomad writes the status before the type: there is none. */
  private async sendConflict(
    request: FastifyRequest,
    reply: FastifyReply,
    target: Target,
    variable: VariableState | null,
  ): Promise<void> {
    const { permissions } = accessOf(request);
    const mayRead = permissions.variable(target.namespace, target.path, 'read');
    const items = variable !== null && mayRead ? await openedText(this.keyring, variable) : 'null';
    const shown = variable ?? noVariable(target.namespace, target.path);
    const body = Buffer.from(variableText(shown, items, permissions.isManagement));
    reply.header('X-Nomad-Index', shown.modifyIndex);
    reply.hijack();
    const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined);
    reply.raw.writeHead(409, { ...(Object.fromEntries(headers) as object), 'Content-Length': body.length });
    reply.raw.end(body);
  }
}

/** @throws NomadError (403), whether the variable exists or not */
const settle = (access: Access, { namespace, path }: Target, needed: VariableCapability): void =>
  access.settle(access.permissions.variable(namespace, path, needed));

function pathOf(request: FastifyRequest): string {
  const path = idOf(request);
  if (path === '') throw new NomadError('missing variable path', 400);
  return path;
}

function lockOperationOf(request: FastifyRequest): LockOperation | undefined {
  const query = queryOf(request);
  const asked = LOCK_OPERATIONS.filter((operation) => query.has(operation));
  if (asked.length > 1) throw new NomadError('multiple lock operations', 400);
  return asked[0];
}

function casOf(request: FastifyRequest): Index | null {
  const text = param(queryOf(request), 'cas');
  return text === '' ? null : Number(orThrow(parseUint64(text), 'can not parse cas: ', 400));
}

function checkTarget({ namespace, path }: Target): void {
  checkPath(path);
  checkNamespace(namespace);
}

const itemsOf = ({ Items: items }: VariableRequest): Items => new Map(Object.entries(items ?? {}));

const lockOf = ({ Lock: lock }: VariableRequest) => ({
  lockId: lock?.ID ?? '',
  ttl: lockDuration(lock?.TTL),
  delay: lockDuration(lock?.LockDelay),
});

function refuseMethod(reply: FastifyReply): never {
  allowOtherOrigins(reply);
  throw new NomadError('Invalid method', 400);
}
