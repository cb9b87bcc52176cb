import { Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import { defineFreeze, deleteFreeze, renderFreeze, type FreezeDefinition, type FreezesState } from '@app/domain';
import { FREEZES, usFromRfc3339, type TimeUs } from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, idOf, isChunked, orThrow } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { sendJson } from '../edge/reads.js';
import { Writes } from '../edge/writes.js';
import { Origins } from './origins.js';
import { decodeBody, freezeRequest, NomadError, parseGoDuration, type FreezeRequest } from '../http/index.js';

/** No index is 0, and nothing came before this. */
const FIRST_INDEX = 1;

/** The time at which it is told what freezes; injected. */
export class FreezeClock {
  constructor(readonly now: () => TimeUs) {}
}

/** Beyond Nomad: when nothing may be changed. What is answered depends on the time, so it is read anew each time and not waited for. */
@Controller('v1/operator/rollbook')
export class FreezesController {
  constructor(
    private readonly objects: Objects,
    private readonly writes: Writes,
    private readonly clock: FreezeClock,
    private readonly origins: Origins,
  ) {}

  @Get('freezes')
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { windows, modifyIndex } = await this.state();
    reply.header('X-Nomad-Index', modifyIndex);
    sendJson(request, reply, await Promise.all(windows.map((window) => this.told(window))));
  }

  @Get('freezes/:id')
  async read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = idOf(request);
    const window = (await this.state()).windows.find((one) => one.id === id);
    if (window === undefined) throw new NomadError('freeze not found', 404);
    reply.header('X-Nomad-Index', window.modifyIndex);
    sendJson(request, reply, await this.told(window));
  }

  @Put('freezes/:id')
  define(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), freezeRequest, { chunked: isChunked(request) }), '', 400);
    const command = { id: idOf(request), definition: definitionOf(body) };
    return this.writes.send(request, reply, {
      name: 'DefineFreeze',
      reads: [FREEZES],
      decide: (view, context) => defineFreeze(view, context, command),
      render: (_answer, index) => ({ ID: command.id, Index: index }),
    });
  }

  @Delete('freezes/:id')
  remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = idOf(request);
    return this.writes.send(request, reply, {
      name: 'DeleteFreeze',
      reads: [FREEZES],
      decide: (view, context) => deleteFreeze(view, context, { id }),
      render: (_answer, index) => ({ ID: id, Index: index }),
    });
  }

  /** With who made it as it is, and why they said so. */
  private async told(window: FreezesState['windows'][number]): Promise<object> {
    return { ...renderFreeze(window, this.clock.now()), Modified: await this.origins.of(window.modifyIndex) };
  }

  private async state(): Promise<Pick<FreezesState, 'windows' | 'modifyIndex'>> {
    const [state] = await this.objects.states<FreezesState>([FREEZES]);
    return state ?? { windows: [], modifyIndex: FIRST_INDEX };
  }
}

/** What is left out is all of it: every namespace, every job, from now on. */
function definitionOf(body: FreezeRequest): FreezeDefinition {
  const { Namespaces: namespaces = [], Jobs: jobs = [], Cron: cron = '', TimeZone: zone = '' } = body;
  return {
    namespaces: namespaces.length === 0 ? ['*'] : namespaces,
    jobs: jobs.length === 0 ? ['*'] : jobs,
    start: timeIn('Start', body.Start),
    end: timeIn('End', body.End),
    cron,
    duration: durationIn(body.Duration),
    timeZone: cron !== '' && zone === '' ? 'UTC' : zone,
    reason: body.Reason ?? '',
  };
}

function timeIn(name: string, text = ''): TimeUs {
  if (text === '') return 0;
  const time = usFromRfc3339(text);
  if (time <= 0) throw new NomadError(`${name} must be a time of RFC 3339, after 1970`, 400);
  return time;
}

function durationIn(given: unknown): number {
  if (given === undefined || given === null) return 0;
  const ns = typeof given === 'string' ? parseGoDuration(given) : given;
  if (typeof ns !== 'number' || !Number.isSafeInteger(ns) || ns < 0)
    throw new NomadError('Duration must be a duration such as "60h", or nanoseconds', 400);
  return ns;
}
