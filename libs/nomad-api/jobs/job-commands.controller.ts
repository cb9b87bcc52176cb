import { All, Controller, Delete, Put, Req, Res } from '@nestjs/common';
import {
  dispatchJob,
  forcePeriodicJob,
  rawNumber,
  scaleJob,
  tagVersion,
  untagVersion,
  type DispatchAnswer,
  type DispatchJob,
  type ScaleJob,
  type TagAnswer,
} from '@app/domain';
import { jobStream, jobSummaryStream, nsFromUs, type Index } from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { bodyOf, idOf, isChunked, orThrow, queryOf } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { sendText } from '../edge/reads.js';
import { textOf, Writes, type Write } from '../edge/writes.js';
import { decodeBody, jobDispatchRequest, NomadError, param, scalingRequest, tagVersionRequest } from '../http/index.js';
import { renderRegistered } from './jobs.controller.js';

/** How often a dispatch looks for the child of its token, where the one before was purged. */
const MAX_TOKEN_ROUNDS = 10;

/** Nomad: what can be asked of a job beside changing its specification; spec/http-api §4.4. */
@Controller('v1/job/:id')
export class JobCommandsController {
  constructor(
    private readonly objects: Objects,
    private readonly writes: Writes,
  ) {}

  @Put('dispatch')
  dispatch(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const jobId = idOf(request);
    const body = orThrow(decodeBody(bodyOf(request), jobDispatchRequest, { chunked: isChunked(request) }), '', 400);
    if (body.JobID && body.JobID !== jobId) throw new NomadError('Job ID does not match', 400);
    return this.dispatchAs(request, reply, {
      namespace: this.writes.namespace(request, body.Namespace),
      jobId,
      payload: payloadOf(Buffer.from(body.Payload ?? '', 'base64')),
      meta: body.Meta ?? {},
      idPrefixTemplate: body.IdPrefixTemplate ?? '',
      priority: body.Priority ?? 0,
      idempotencyToken: param(queryOf(request), 'idempotency_token'),
    });
  }

  /** The body is the payload, as it is. */
  @Put('dispatch/payload')
  dispatchPayload(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.dispatchAs(request, reply, {
      namespace: this.writes.namespace(request),
      jobId: idOf(request),
      payload: payloadOf(bodyOf(request)),
      meta: {},
      idPrefixTemplate: '',
      priority: 0,
      idempotencyToken: param(queryOf(request), 'idempotency_token'),
    });
  }

  @Put('periodic/force')
  force(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const command = { namespace: this.writes.namespace(request), jobId: idOf(request) };
    return this.writes.send(request, reply, {
      name: 'ForcePeriodicJob',
      reads: streamsOf(command),
      decide: (view, context) => forcePeriodicJob(view, context, command),
      render: ({ evalId }, index) => ({ EvalID: evalId, EvalCreateIndex: index, Index: index }),
    });
  }

  @Put('scale')
  scale(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), scalingRequest, { chunked: isChunked(request) }), '', 400);
    const jobId = idOf(request);
    const namespace = this.writes.namespace(request);
    const target = new Map(Object.entries(body.Target ?? {}));
    if ((target.get('Namespace') || namespace) !== namespace)
      throw new NomadError('namespace in payload did not match header', 400);
    if ((target.get('Job') || jobId) !== jobId) throw new NomadError('job ID in payload did not match URL', 400);
    const command: ScaleJob = {
      namespace,
      jobId,
      group: target.get('Group') ?? '',
      count: body.Count ?? null,
      message: body.Message ?? '',
      error: body.Error ?? false,
      meta: body.Meta === undefined ? null : (body.Meta as NonNullable<ScaleJob['meta']>),
      enforceIndex: body.JobModifyIndex || null,
      byManagement: accessOf(request).isByManagement,
    };
    return this.writes.send(request, reply, {
      name: 'ScaleJob',
      ...(command.count !== null && { changes: () => command }),
      reads: streamsOf(command),
      decide: (view, context) => scaleJob(view, context, command),
      render: (answer, index) => ({ ...renderRegistered(answer, index), KnownLeader: true }),
    });
  }

  /** Only the number of words in the path is looked at, as Nomad does. */
  @Put(':word/:name/tag')
  tag(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), tagVersionRequest, { chunked: isChunked(request) }), '', 400);
    const command = {
      ...this.tagOf(request),
      description: body.Description ?? '',
      version: body.Version ?? 0,
      latest: body.Latest ?? false,
    };
    return this.answerTag(request, reply, {
      name: 'TagJobVersion',
      reads: [jobStream(command.namespace, command.jobId)],
      decide: (view, context) => tagVersion(view, context, command),
      render: renderTag,
    });
  }

  @Delete(':word/:name/tag')
  untag(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const command = this.tagOf(request);
    return this.answerTag(request, reply, {
      name: 'UntagJobVersion',
      reads: [jobStream(command.namespace, command.jobId)],
      decide: (view, context) => untagVersion(view, context, command),
      render: renderTag,
    });
  }

  /** A path that ends like a tag's and is none. */
  @All('tag')
  noTag(): never {
    throw new NomadError('invalid job tag endpoint', 404);
  }

  /** A repeated token is answered with the child that it made, as long as that is there. */
  private async dispatchAs(request: FastifyRequest, reply: FastifyReply, command: DispatchJob): Promise<void> {
    const byManagement = accessOf(request).isByManagement;
    const write: Write<DispatchAnswer> = {
      name: 'DispatchJob',
      reads: streamsOf(command),
      decide: (view, context) => dispatchJob(view, context, { ...command, byManagement }),
      render: (answer, index) => renderDispatched(answer, index),
    };
    if (command.idempotencyToken === '') return this.writes.send(request, reply, write);
    let key = ['dispatch', command.namespace, command.jobId, command.idempotencyToken].join('\n');
    for (let round = 0; round < MAX_TOKEN_ROUNDS; round++) {
      const once = {
        key,
        render: (answer: DispatchAnswer, index: Index) => renderDispatched({ ...answer, evalId: '' }, index),
      };
      const outcome = await this.writes.execute(request, { ...write, once });
      const text = textOf(write, outcome);
      const { DispatchedJobID: childId } = JSON.parse(text) as { DispatchedJobID: string };
      if (outcome.kind === 'duplicate' && (await this.objects.job(command.namespace, childId)) === undefined) {
        key = `${key}\nafter ${childId}`;
        continue;
      }
      reply.header('X-Nomad-Index', outcome.index);
      return sendText(request, reply, text);
    }
    throw new NomadError('the children of this idempotency token were purged too often; use another one', 409);
  }

  private tagOf(request: FastifyRequest): {
    readonly namespace: string;
    readonly jobId: string;
    readonly name: string;
  } {
    const { name } = request.params as { readonly name: string };
    return { namespace: this.writes.namespace(request), jobId: idOf(request), name };
  }

  /** Tags are the one write without an index header. */
  private async answerTag(request: FastifyRequest, reply: FastifyReply, write: Write<TagAnswer>): Promise<void> {
    const outcome = await this.writes.execute(request, write);
    sendText(request, reply, textOf(write, outcome));
  }
}

const streamsOf = ({ namespace, jobId }: { readonly namespace: string; readonly jobId: string }) => [
  jobStream(namespace, jobId),
  jobSummaryStream(namespace, jobId),
];

const payloadOf = (payload: Buffer): DispatchJob['payload'] =>
  payload.length === 0 ? null : { base64: payload.toString('base64'), bytes: payload.length };

/** Nomad: JobDispatchResponse. */
const renderDispatched = ({ dispatchedJobId, evalId }: DispatchAnswer, index: Index): object => ({
  DispatchedJobID: dispatchedJobId,
  EvalID: evalId,
  EvalCreateIndex: evalId === '' ? 0 : index,
  JobCreateIndex: index,
  Index: index,
});

/** Nomad: JobTagResponse. */
const renderTag = ({ name, description, taggedTime }: TagAnswer, index: Index): object => ({
  Name: name,
  Description: description,
  TaggedTime: rawNumber(nsFromUs(taggedTime)),
  Index: index,
  LastContact: 0,
  KnownLeader: false,
  NextToken: '',
});
