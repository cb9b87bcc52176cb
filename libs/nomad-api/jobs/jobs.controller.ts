import { Controller, Get, Put, Req, Res } from '@nestjs/common';
import {
  canonicalizeInSteps,
  registerJob,
  renderJob,
  renderJobStub,
  warningsText,
  type JobAnswer,
  type JobSubmission,
} from '@app/domain';
import { jobStream, jobSummaryStream, type Index } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { drive } from '../edge/breathe.js';
import { bodyOf, idOf, isChunked, orThrow, queryOf } from '../edge/exchange.js';
import { JOB_FIELDS } from '../edge/document-fields.js';
import { Lists } from '../edge/lists.js';
import { Objects } from '../edge/objects.js';
import { Reads, sendJson } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { Writes } from '../edge/writes.js';
import {
  boolParam,
  decodeBody,
  decodeBodyInSteps,
  jobRegisterRequest,
  jobType,
  jobValidateRequest,
  NomadError,
  type JobRegisterRequest,
} from '../http/index.js';
import { jobsParseRequest, parsedJob } from './job-file.js';
import { admit, examine, placesOf } from './registration.js';

const MAX_EVAL_PRIORITY = 100;
/** Nomad: job_max_source_size. */
const MAX_SOURCE_BYTES = 1_000_000;

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
    return this.reads.send(request, reply, options, (access) =>
      this.lists.query(
        {
          table: 'job',
          tables: ['job', 'job_summary'],
          where: {},
          filterType: jobType,
          filterColumns: { ID: 'job_id', Namespace: 'namespace', Status: 'status', Type: 'type' },
          documentFields: JOB_FIELDS,
          objects: (rows) =>
            this.objects.jobs(rows, (version) => JSON.parse(JSON.stringify(renderJob(version))) as object),
          texts: async (rows) => {
            const stubs = withMeta
              ? await this.objects.jobs(rows, (version) => JSON.stringify(renderJobStub(version, true)))
              : new Map(rows.map(({ key, document }) => [key, document]));
            return withSummaries(stubs, await this.readModels.jobSummaries(rows.map((row) => row.key)));
          },
          variant: String(withMeta),
        },
        options,
        access.visibility(),
      ),
    );
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
  async validate(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(
      await drive(decodeBodyInSteps(bodyOf(request), jobValidateRequest, { chunked: isChunked(request) })),
      '',
      400,
    );
    if (!body.Job) throw new NomadError('Job must be specified', 400);
    const namespace = this.writes.namespace(request, body.Job.Namespace || undefined);
    accessOf(request).require({ namespace });
    const spec = await drive(canonicalizeInSteps({ ...body.Job, Namespace: namespace }, this.server.jobDefaults));
    const { errors, errorList, warnings } = await examine(spec, this.objects, { withPlaces: true });
    const answer = {
      DriverConfigValidated: true,
      ValidationErrors: errorList.length === 0 ? null : errorList,
      Error: errors,
      Warnings: warningsText(warnings),
    };
    sendJson(request, reply, answer);
  }

  /** Nomad's job files, for clients that do not parse them: nomad-pack, the job editor of the web interface. */
  @Put('jobs/parse')
  parse(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const body = orThrow(decodeBody(bodyOf(request), jobsParseRequest, { chunked: isChunked(request) }), '', 400);
    if (!body.JobHCL) throw new NomadError('Job spec is empty', 400);
    accessOf(request).require({ namespace: this.writes.namespace(request) });
    sendJson(request, reply, parsedJob(body.JobHCL, body.Variables ?? '', body.Canonicalize ?? false));
  }

  private async registerAt(request: FastifyRequest, reply: FastifyReply, pathId: string | undefined): Promise<void> {
    const body = orThrow(
      await drive(decodeBodyInSteps(bodyOf(request), jobRegisterRequest, { chunked: isChunked(request) })),
      '',
      400,
    );
    if (!body.Job) throw new NomadError('Job must be specified', 400);
    if (body.Job.ID === undefined || body.Job.ID === null) throw new NomadError("Job ID hasn't been provided", 400);
    if (pathId !== undefined && body.Job.ID !== pathId) throw new NomadError('Job ID does not match name', 400);
    const evalPriority = checkedPriority(body.EvalPriority ?? 0);
    const { submission, discarded } = submissionOf(body.Submission);
    const edge = { writes: this.writes, server: this.server, objects: this.objects };
    const { spec, warnings } = await admit(request, body, body.Job, edge, { furtherWarnings: discarded });
    const { Namespace: namespace } = spec;
    const command = {
      spec,
      enforceIndex: body.EnforceIndex ? (body.JobModifyIndex ?? 0) : null,
      evalPriority,
      preserveCounts: body.PreserveCounts ?? false,
      preserveResources: body.PreserveResources ?? false,
      byManagement: accessOf(request).isByManagement,
      ...(submission && { submission }),
    };
    return this.writes.send(request, reply, {
      name: 'RegisterJob',
      changes: () => ({ namespace, jobId: spec.ID }),
      reads: [jobStream(namespace, spec.ID), jobSummaryStream(namespace, spec.ID), ...placesOf(spec)],
      decide: (view, context) => registerJob(view, context, command),
      render: (answer, index) => renderRegistered(answer, index, warnings),
    });
  }
}

/** Stubs of jobs with the summaries of the same jobs, by key. */
export const withSummaries = (
  stubs: ReadonlyMap<string, string>,
  summaries: ReadonlyMap<string, string>,
): Map<string, string> =>
  new Map(
    Array.from(stubs, ([key, stub]) => [key, `${stub.slice(0, -1)},"JobSummary":${summaries.get(key) ?? 'null'}}`]),
  );

/** What the specification was written as, unless it is too much to keep. */
function submissionOf(given: JobRegisterRequest['Submission']): {
  readonly submission?: JobSubmission;
  readonly discarded: readonly string[];
} {
  if (!given) return { discarded: [] };
  const { Source = '', Format = '', VariableFlags = null, Variables = '' } = given;
  const flags = Object.entries(VariableFlags ?? {}).flat();
  const bytes = [Source, Variables, ...flags].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes <= MAX_SOURCE_BYTES) return { submission: { Source, Format, VariableFlags, Variables }, discarded: [] };
  return {
    discarded: [
      `job source size of ${megabytes(bytes)} exceeds maximum of ${megabytes(MAX_SOURCE_BYTES)} and will be discarded`,
    ],
  };
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

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
