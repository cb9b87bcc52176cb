import { Controller, Get, Req, Res } from '@nestjs/common';
import { isClientTerminal, type AllocationState } from '@app/domain';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { WebSocketServer, type WebSocket } from 'ws';
import { accessOf, type Access } from '../acl/access.js';
import { idOf, orThrow, queryOf, tokenOf } from '../edge/exchange.js';
import { NomadError, param, parseBool } from '../http/index.js';
import { closeWith, runExec } from './exec-session.js';
import { Forwarding } from './forwarding.js';
import { upgradeOf } from './upgrades.js';

const HANDSHAKE_MS = 10_000;
const MAX_MESSAGE_BYTES = 1024 * 1024;
const MAX_COMMAND = 64 * 1024;

/** Drivers whose tasks see the files of their node. */
const NOT_ISOLATED = new Set(['raw_exec', 'mock_driver']);

/** What to run: a command, or an action of the job by its name. */
interface Wanted {
  readonly allocationId: string;
  readonly task: string;
  readonly command: readonly string[] | null;
  readonly action: string;
  readonly jobId: string;
}

/** Nomad: exec and actions over a websocket; spec/http-api-client §4. */
@Controller('v1')
export class ExecController {
  private readonly sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });

  constructor(private readonly forwarding: Forwarding) {}

  @Get('client/allocation/:id/exec')
  async exec(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = idOf(request);
    await this.open(request, reply, () => ({
      allocationId: id,
      task: param(queryOf(request), 'task'),
      command: commandOf(request),
      action: '',
      jobId: '',
    }));
  }

  @Get('job/:id/action')
  async action(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const jobId = idOf(request);
    await this.open(request, reply, () => {
      const query = queryOf(request);
      return {
        allocationId: param(query, 'allocID'),
        task: param(query, 'task'),
        command: null,
        action: param(query, 'action'),
        jobId,
      };
    });
  }

  private async open(request: FastifyRequest, reply: FastifyReply, wanted: () => Wanted): Promise<void> {
    const upgrade = upgradeOf(request);
    if (upgrade === undefined) {
      wanted();
      throw new NomadError('websocket connection not found in context');
    }
    const { origin, host } = request.headers;
    if (origin !== undefined && hostOf(origin) !== host) {
      const refusal = 'websocket: request origin not allowed by Upgrader.CheckOrigin';
      throw new NomadError(`Forbidden\nfailed to upgrade connection: ${refusal}`, 403);
    }
    reply.hijack();
    const socket = await new Promise<WebSocket>((resolve) =>
      this.sockets.handleUpgrade(request.raw, upgrade.socket, upgrade.head, resolve),
    );
    socket.on('error', () => undefined);
    try {
      await this.run(request, socket, wanted);
    } catch (error) {
      closeWith(socket, error);
    }
  }

  private async run(request: FastifyRequest, socket: WebSocket, wanted: () => Wanted): Promise<void> {
    const gone = new AbortController();
    socket.once('close', () => gone.abort(new Error('the client has gone')));
    const query = queryOf(request);
    const handshake = param(query, 'ws_handshake');
    if (handshake !== '' && orThrow(parseBool(handshake), 'ws_handshake value is not a boolean: ', 400))
      await shakeHands(request, socket);
    // What comes before the node has taken the call waits in the socket.
    socket.pause();
    const { allocationId, task, command, action, jobId } = wanted();
    const tty = param(query, 'tty');
    const isTty = tty !== '' && orThrow(parseBool(tty), 'tty value is not a boolean: ', 500);
    if (allocationId === '') throw new NomadError('missing AllocID', 400);
    const alloc = await this.forwarding.allocation(request, allocationId, 400);
    await this.checkIsolation(request, alloc, task);
    this.check(alloc, task, action, jobId, command);
    const args = { JobID: jobId, AllocID: alloc.id, Task: task, Tty: isTty, Cmd: command, Action: action };
    const opened = await this.forwarding.stream(request, alloc.nodeId, 'Allocations.Exec', args, gone.signal);
    socket.resume();
    await runExec(socket, opened);
  }

  /** A command beside a task that is not isolated runs on the node itself. @throws NomadError (403) */
  private async checkIsolation(request: FastifyRequest, alloc: AllocationState, task: string): Promise<void> {
    const access = accessOf(request);
    if (!access.isEnforced) return;
    const driver = await this.forwarding.driverOf(alloc, task);
    if (!NOT_ISOLATED.has(driver ?? '')) return;
    access.settle(access.permissions.inNamespace(alloc.namespace, 'alloc-node-exec'));
  }

  /** What a server knows without the node. */
  private check(
    alloc: AllocationState,
    task: string,
    action: string,
    jobId: string,
    command: readonly string[] | null,
  ): void {
    if (jobId !== '' && alloc.jobId !== jobId)
      throw new NomadError(`job ${jobId} does not have allocation ${alloc.id}`, 400);
    if (task === '') throw new NomadError('must provide task name', 400);
    if (jobId === '' ? command?.length === 0 : action === '') throw new NomadError('command is not present', 400);
    if (isClientTerminal(alloc))
      throw new NomadError(`exec not possible, client status of allocation ${alloc.id} is ${alloc.clientStatus}`, 400);
  }
}

/** Browsers cannot send a token with the request: it is the first message. Whoever is not known then is refused. */
async function shakeHands(request: FastifyRequest, socket: WebSocket): Promise<void> {
  const text = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new NomadError('the handshake does not come', 400)), HANDSHAKE_MS);
    socket.once('message', (data: Buffer) => {
      clearTimeout(timer);
      resolve(data.toString('utf8'));
    });
    socket.once('close', () => {
      clearTimeout(timer);
      reject(new NomadError('closed', 400));
    });
  });
  let message: { readonly version?: unknown; readonly auth_token?: unknown };
  try {
    message = JSON.parse(text) as typeof message;
  } catch {
    throw new NomadError(`invalid character '${text[0] ?? ''}' looking for beginning of value`, 400);
  }
  const { version = 0, auth_token: token } = message ?? {};
  if (version !== 1) throw new NomadError(`unexpected handshake value: ${String(version)}`, 400);
  if (typeof token !== 'string' || token === '') return;
  const inHeader = tokenOf(request);
  if (inHeader !== undefined && inHeader !== token)
    throw new NomadError('handshake auth token mismatched auth header token', 400);
  request.headers['x-nomad-token'] = token;
  (request as FastifyRequest & { access: Access }).access = await accessOf(request).renewed();
}

function commandOf(request: FastifyRequest): readonly string[] {
  const text = param(queryOf(request), 'command');
  let command: unknown;
  try {
    if (text.length > MAX_COMMAND) throw new Error('the command is too long');
    command = JSON.parse(text);
  } catch (error) {
    const cause = text === '' ? 'unexpected end of JSON input' : (error as Error).message;
    throw new NomadError(`failed to marshal command into json: ${cause}`);
  }
  if (Array.isArray(command) && command.every((one) => typeof one === 'string')) return command;
  throw new NomadError(
    'failed to marshal command into json: json: cannot unmarshal object into Go value of type []string',
  );
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
