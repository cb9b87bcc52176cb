import { Controller, Get, Put, Req, Res } from '@nestjs/common';
import {
  canonicalize,
  currentVersion,
  multiError,
  registerJob,
  renderJob,
  renderJobStub,
  validateJob,
  warningsText,
  type JobAnswer,
  type JobSpec,
  type JobState,
} from '@app/domain';
import { jobStream, jobSummaryStream, type Index } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, idOf, isChunked, orThrow, queryOf } from '../edge/exchange.js';
import { Lists } from '../edge/lists.js';
import { Objects } from '../edge/objects.js';
import { Reads, sendBody } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { Writes } from '../edge/writes.js';
import { boolParam, decodeBody, jobRegisterRequest, jobType, jobValidateRequest, NomadError } from '../http/index.js';

const MAX_EVAL_PRIORITY = 100;

/** Nomad: /v1/jobs, and registration at either path; spec/http-api §4.3. */
@Controller('v1')
export class JobsController {
  constructor(
    private readonly reads: Reads,
    private readonly lists: Lists,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
    private readonly writes: Writes,
    private readonly server: ServerIdentity,
  ) {}

  @Get('jobs')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const withMeta = orThrow(boolParam(queryOf(request), 'meta'));
    const query = this.lists.query(
      {
        table: 'job',
        tables: ['job', 'job_summary'],
        where: {},
        filterType: jobType,
        filterColumns: { ID: 'job_id', Namespace: 'namespace', Status: 'status', Type: 'type' },
        objects: async (rows) => (await this.currentVersions(rows)).map((version) => JSON.parse(JSON.stringify(renderJob(version))) as object),
        texts: async (rows) => {
          const stubs = withMeta
            ? (await this.currentVersions(rows)).map((version) => JSON.stringify(renderJobStub(version, true)))
            : rows.map((row) => row.document);
          const summaries = await this.readModels.jobSummaries(rows.map((row) => row.key));
          return stubs.map((stub, i) => `${stub.slice(0, -1)},"JobSummary":${summaries.get(rows[i]!.key) ?? 'null'}}`);
        },
        variant: String(withMeta),
      },
      options,
    );
    return this.reads.send(request, reply, options, query);
  }

  @Put('jobs')
  register(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.registerAt(request, reply, undefined);
  }

  @Put('job/:id')
  update(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.registerAt(request, reply, idOf(request));
  }

  @Put('validate/job')
  validate(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const body = orThrow(decodeBody(bodyOf(request), jobValidateRequest, { chunked: isChunked(request) }), '', 400);
    if (!body.Job) throw new NomadError('Job must be specified', 400);
    const spec = canonicalize(body.Job, this.server.jobDefaults);
    const { errors, errorList, warnings } = validateJob(spec);
    const answer = {
      DriverConfigValidated: true,
      ValidationErrors: errorList.length === 0 ? null : errorList,
      Error: errors,
      Warnings: warningsText(warnings),
    };
    sendBody(request, reply, 200, Buffer.from(JSON.stringify(answer)));
  }

  private registerAt(request: FastifyRequest, reply: FastifyReply, pathId: string | undefined): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), jobRegisterRequest, { chunked: isChunked(request) }), '', 400);
    if (!body.Job) throw new NomadError('Job must be specified', 400);
    if (body.Job.ID === undefined || body.Job.ID === null) throw new NomadError("Job ID hasn't been provided", 400);
    if (pathId !== undefined && body.Job.ID !== pathId) throw new NomadError('Job ID does not match name', 400);
    const evalPriority = checkedPriority(body.EvalPriority ?? 0);
    const namespace = this.writes.namespace(request, body.Namespace || body.Job.Namespace || undefined);
    const spec = canonicalize({ ...body.Job, Namespace: namespace }, this.server.jobDefaults);
    const { errorList, warnings } = validateJob(spec);
    const problems = [...errorList, ...missingPlaces(spec)];
    if (problems.length > 0) throw new NomadError(multiError(problems));
    const command = {
      spec,
      enforceIndex: body.EnforceIndex ? (body.JobModifyIndex ?? 0) : null,
      evalPriority,
      preserveCounts: body.PreserveCounts ?? false,
      preserveResources: body.PreserveResources ?? false,
    };
    return this.writes.send(request, reply, {
      name: 'RegisterJob',
      reads: [jobStream(namespace, spec.ID), jobSummaryStream(namespace, spec.ID)],
      decide: (view, context) => registerJob(view, context, command),
      render: (answer, index) => renderRegistered(answer, index, warningsText(warnings)),
    });
  }

  private async currentVersions(rows: readonly { readonly key: string }[]) {
    const states = await this.objects.states<JobState>(rows.map((row) => `job/${row.key}` as const));
    return states.map((state) => currentVersion(state)).filter((version) => version !== undefined);
  }
}

/** Namespaces and node pools that exist: the built-in ones. */
function missingPlaces(spec: JobSpec): string[] {
  const problems: string[] = [];
  if (spec.Namespace !== 'default') problems.push(`job "${spec.ID}" is in nonexistent namespace "${spec.Namespace}"`);
  if (spec.NodePool !== 'default' && spec.NodePool !== 'all') problems.push(`job "${spec.ID}" is in nonexistent node pool "${spec.NodePool}"`);
  return problems;
}

export function checkedPriority(priority: number): number {
  if (priority !== 0 && (priority < 1 || priority > MAX_EVAL_PRIORITY)) {
    throw new NomadError('Eval priority must be between 1 and 100 inclusively', 400);
  }
  return priority;
}

/** Nomad: JobRegisterResponse. */
export const renderRegistered = ({ evalId, jobModifyIndex }: JobAnswer, index: Index, warnings = ''): object => ({
  EvalID: evalId,
  EvalCreateIndex: evalId === '' ? 0 : index,
  JobModifyIndex: jobModifyIndex ?? index,
  Warnings: warnings,
  Index: index,
  LastContact: 0,
  KnownLeader: false,
  NextToken: '',
});
