import { All, Controller, Get, Put, Req, Res } from '@nestjs/common';
import type { Any } from '@app/nomad-rpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf, denied } from '../acl/access.js';
import { bodyOf, idOf, isChunked, orThrow, queryOf } from '../edge/exchange.js';
import { sendText } from '../edge/reads.js';
import {
  allocPauseRequest,
  allocRestartRequest,
  allocSignalRequest,
  decodeBody,
  NomadError,
  param,
} from '../http/index.js';
import { Forwarding } from './forwarding.js';
import { jsonText } from './json-text.js';

const SCHEDULE_STATES = new Set(['', 'pause', 'run', 'scheduled', 'force_pause', 'force_run', 'schedule_resume']);

/** Nomad: /v1/client/allocation; spec/http-api-client §3. */
@Controller('v1')
export class ClientAllocationController {
  constructor(private readonly forwarding: Forwarding) {}

  @All('client/allocation/:id/stats')
  async stats(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const task = param(queryOf(request), 'task');
    const { Stats } = await this.ask(request, reply, 'Allocations.Stats', { Task: task });
    sendText(request, reply, jsonText(Stats));
  }

  @All('client/allocation/:id/checks')
  async checks(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { Results } = await this.ask(request, reply, 'Allocations.Checks', {});
    sendText(request, reply, jsonText(Results ?? null));
  }

  @Get('allocation/:id/checks')
  allocationChecks(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.checks(request, reply);
  }

  @All('client/allocation/:id/restart')
  async restart(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const given = bodyOf(request);
    const body =
      given.length === 0 ? {} : orThrow(decodeBody(given, allocRestartRequest, { chunked: isChunked(request) }));
    await this.ask(request, reply, 'Allocations.Restart', {
      TaskName: body.TaskName ?? '',
      AllTasks: body.AllTasks ?? false,
    });
    sendText(request, reply, '{"Index":0}');
  }

  @Put('client/allocation/:id/signal')
  async signal(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const decoded = decodeBody(bodyOf(request), allocSignalRequest, { chunked: isChunked(request) });
    const body = orThrow(decoded, 'Failed to decode body: ', 400);
    await this.ask(request, reply, 'Allocations.Signal', { Task: body.Task ?? '', Signal: body.Signal ?? '' });
    sendText(request, reply, '{"Index":0}');
  }

  @All('client/allocation/:id/gc')
  async collect(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.ask(request, reply, 'Allocations.GarbageCollect', {});
    reply.removeHeader('content-type').send();
  }

  /** Schedules of tasks are Nomad Enterprise's. */
  @Get('client/allocation/:id/pause')
  async pauseState(@Req() request: FastifyRequest): Promise<void> {
    await this.forwarding.allocation(request, idOf(request));
    throw new NomadError('Enterprise only');
  }

  @Put('client/allocation/:id/pause')
  async pause(@Req() request: FastifyRequest): Promise<void> {
    const decoded = decodeBody(bodyOf(request), allocPauseRequest, { chunked: isChunked(request) });
    const { ScheduleState: state } = orThrow(decoded, 'Failed to decode body: ', 400);
    if (!SCHEDULE_STATES.has(state ?? '')) throw new NomadError('Not a valid task schedule state', 400);
    await this.forwarding.allocation(request, idOf(request));
    throw new NomadError('Enterprise only');
  }

  /** Sticky data move from node to node without a server. */
  @All('client/allocation/:id/snapshot')
  async snapshot(@Req() request: FastifyRequest): Promise<void> {
    await this.forwarding.allocation(request, idOf(request));
    // It takes the token of a migration, which there is none of: not even management's will do.
    if (accessOf(request).isEnforced) throw denied();
    throw new NomadError('node is not running a Nomad Client', 400);
  }

  @All('client/allocation/:id')
  noVerb(): void {
    throw new NomadError('resource not found', 404);
  }

  @All('client/allocation/:id/*')
  unknownVerb(): void {
    throw new NomadError('resource not found', 404);
  }

  private async ask(
    request: FastifyRequest,
    reply: FastifyReply,
    method: string,
    args: Readonly<Record<string, Any>>,
  ): Promise<Readonly<Record<string, Any>>> {
    const alloc = await this.forwarding.allocation(request, idOf(request));
    return this.forwarding.callAny(request, reply, alloc.nodeId, method, { AllocID: alloc.id, ...args });
  }
}
