import { Controller, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, isChunked, orThrow, queryOf } from '../edge/exchange.js';
import { Reads } from '../edge/reads.js';
import { boolParam, decodeBody, jobStatusesRequest, NomadError, param } from '../http/index.js';
import { JobStatuses, type JobSelection } from './job-statuses.js';

/** Nomad: /v1/jobs/statuses; spec/http-api §4.3. A read that may come with a list of the jobs it is about. */
@Controller('v1/jobs/statuses')
export class JobStatusesController {
  constructor(
    private readonly reads: Reads,
    private readonly statuses: JobStatuses,
  ) {}

  @Get()
  all(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.send(request, reply, {});
  }

  @Post()
  @HttpCode(200)
  some(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const raw = bodyOf(request);
    if (raw.length === 0) return this.send(request, reply, {});
    const chunked = isChunked(request);
    const body = orThrow(decodeBody(raw, jobStatusesRequest, { chunked }), 'error decoding request: ', 400);
    const keys = (body.Jobs ?? []).map(({ ID, Namespace }) => `${Namespace || 'default'}/${ID ?? ''}`);
    if (keys.length === 0) throw new NomadError('no jobs in request', 400);
    return this.send(request, reply, { keys, withChildren: body.IncludeChildren ?? false });
  }

  private async send(request: FastifyRequest, reply: FastifyReply, asked: Partial<JobSelection>): Promise<void> {
    const parameters = queryOf(request);
    const withChildren = boolParam(parameters, 'include_children');
    if (!withChildren.ok) throw new NomadError(withChildren.error.text, 400);
    const given = this.reads.options(request);
    const isEverywhere = asked.keys !== undefined && param(parameters, 'namespace') === '';
    const options = isEverywhere ? { ...given, namespace: '*' } : given;
    const selection = { keys: asked.keys, withChildren: withChildren.value || (asked.withChildren ?? false) };
    return this.reads.send(request, reply, options, (access) =>
      this.statuses.query(selection, options, access.visibility()),
    );
  }
}
