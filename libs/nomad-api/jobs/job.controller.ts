import { Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import {
  allocationOfService,
  currentVersion,
  deregisterJob,
  PURGED_PER_COMMAND,
  skipShutdownDelays,
  evaluateJobCommand,
  isTerminal,
  jobDiff,
  markStable,
  renderJob,
  renderJobSummary,
  revertJob,
  type DeregisterJob,
  type JobState,
  type JobVersion,
} from '@app/domain';
import {
  allocationStream,
  deploymentStream,
  evaluationStream,
  jobStream,
  jobSummaryStream,
  servicesStream,
} from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { rowOf } from '../acl/access-control.js';
import { bodyOf, idOf, isChunked, orThrow, queryOf } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer, notFound, Reads } from '../edge/reads.js';
import { Writes } from '../edge/writes.js';
import {
  boolParam,
  decodeBody,
  intParam,
  jobEvaluateRequest,
  jobRevertRequest,
  jobStabilityRequest,
  NomadError,
  param,
  uintParam,
} from '../http/index.js';
import { checkedPriority, renderRegistered } from './jobs.controller.js';
import { renderScaleStatus, scaleStatusIndex } from './scale-status.js';
import { Submissions } from './submissions.js';

/** Nomad: job_tracked_versions. */
const KEPT_SUBMISSIONS = 6;

/** Nomad: /v1/job/:id and what is below it; spec/http-api §4.4. */
@Controller('v1/job/:id')
export class JobController {
  constructor(
    private readonly reads: Reads,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
    private readonly writes: Writes,
    private readonly submissions: Submissions,
  ) {}

  @Get()
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const query = this.objects.rendered(
      jobStream(options.namespace, idOf(request)),
      'job',
      { text: 'job not found' },
      (state) => {
        const current = currentVersion(state as JobState);
        return Promise.resolve(current && { text: JSON.stringify(renderJob(current)), index: current.modifyIndex });
      },
    );
    return this.reads.send(request, reply, options, query);
  }

  /** Any method, as Nomad. */
  @Get('summary')
  @Put('summary')
  @Delete('summary')
  summary(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const stream = jobSummaryStream(options.namespace, idOf(request));
    const query = this.objects.one(stream, 'job_summary', 'job not found', renderJobSummary);
    return this.reads.send(request, reply, options, query);
  }

  /** Any method, as Nomad. */
  @Get('versions')
  @Put('versions')
  @Delete('versions')
  versions(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const parameters = queryOf(request);
    const diffs = orThrow(boolParam(parameters, 'diffs'));
    const against = orThrow(uintParam(parameters, 'diff_version'));
    const tag = param(parameters, 'diff_tag');
    const stream = jobStream(options.namespace, idOf(request));
    const query = this.objects.rendered(
      stream,
      'job_version',
      { text: 'job versions not found' },
      (state) => {
        const job = state as JobState;
        if (currentVersion(job) === undefined) return Promise.resolve(undefined);
        const index = Math.max(...job.versions.map((version) => version.modifyIndex));
        const Diffs = diffs ? versionDiffs(job.versions, against, tag) : null;
        const Versions = job.versions.map(renderJob);
        const text = JSON.stringify({
          Versions,
          Diffs,
          Index: index,
          LastContact: 0,
          KnownLeader: true,
          NextToken: '',
        });
        return Promise.resolve({ text, index });
      },
      `versions ${diffs} ${against ?? ''} ${tag}`,
    );
    return this.reads.send(request, reply, options, query);
  }

  @Get('allocations')
  allocations(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.sublist(request, reply, 'allocation');
  }

  @Get('deployments')
  deployments(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.sublist(request, reply, 'deployment');
  }

  @Get('evaluations')
  evaluations(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.sublist(request, reply, 'evaluation');
  }

  @Get('deployment')
  latestDeployment(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const where = { namespace: options.namespace, job_id: idOf(request) };
    const query: DataQuery = {
      key: JSON.stringify(['latest deployment', where]),
      topics: ['table:deployment'],
      load: async (moment) => {
        const [latest] = await this.readModels.list({
          table: 'deployment',
          where,
          order: 'created',
          reverse: true,
          limit: 1,
        });
        return jsonAnswer(latest?.document ?? 'null', moment.tableIndex('deployment'));
      },
    };
    return this.reads.send(request, reply, options, query);
  }

  @Delete()
  async deregister(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = queryOf(request);
    const purge = orThrow(boolParam(query, 'purge'));
    orThrow(boolParam(query, 'global'));
    const noShutdownDelay = orThrow(boolParam(query, 'no_shutdown_delay', false, 'q'));
    const evalPriority = checkedPriority(orThrow(intParam(query, 'eval_priority')) ?? 0);
    const namespace = this.writes.namespace(request);
    if (purge) accessOf(request).as(rowOf('DELETE', '/v1/job/:id?purge=true')!);
    const belongings = purge
      ? await this.belongings(namespace, idOf(request))
      : noShutdownDelay
        ? await this.undelayed(request, namespace, idOf(request))
        : NOTHING;
    const command: DeregisterJob = {
      namespace,
      jobId: idOf(request),
      purge,
      evalPriority,
      noShutdownDelay,
      ...belongings,
    };
    await this.writes.send(request, reply, {
      name: purge ? 'PurgeJob' : 'StopJob',
      changes: () => command,
      reads: [
        jobStream(namespace, command.jobId),
        jobSummaryStream(namespace, command.jobId),
        ...belongings.allocationIds.map(allocationStream),
        ...belongings.allocationsWithServices.map(servicesStream),
        ...belongings.deploymentIds.map(deploymentStream),
        ...belongings.evaluationIds.map(evaluationStream),
      ],
      decide: (view, context) => deregisterJob(view, context, command),
      render: (answer, index) => ({
        EvalID: answer?.evalId ?? '',
        EvalCreateIndex: answer?.evalId ? index : 0,
        JobModifyIndex: index,
        VolumeEvalID: '',
        VolumeEvalIndex: 0,
        Index: index,
        LastContact: 0,
        KnownLeader: false,
        NextToken: '',
      }),
    });
  }

  @Put('evaluate')
  async evaluate(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const jobId = idOf(request);
    const raw = bodyOf(request);
    let force = false;
    if (raw.length > 0) {
      const body = orThrow(decodeBody(raw, jobEvaluateRequest, { chunked: isChunked(request) }), '', 400);
      if (!body.JobID) throw new NomadError('Job ID must be specified', 400);
      if (body.JobID !== jobId) throw new NomadError('JobID not same as job name', 400);
      force = body.EvalOptions?.ForceReschedule ?? false;
    }
    const namespace = this.writes.namespace(request);
    const failed = force
      ? await this.readModels.keys('allocation', { namespace, job_id: jobId, client_status: 'failed' })
      : [];
    await this.writes.send(request, reply, {
      name: 'EvaluateJob',
      reads: [jobStream(namespace, jobId), jobSummaryStream(namespace, jobId), ...failed.map(allocationStream)],
      decide: (view, context) => evaluateJobCommand(view, context, { namespace, jobId, forceReschedule: failed }),
      render: (answer, index) => renderRegistered(answer, index),
    });
  }

  @Put('revert')
  revert(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), jobRevertRequest, { chunked: isChunked(request) }), '', 400);
    const jobId = sameJob(body.JobID, idOf(request));
    const namespace = this.writes.namespace(request, body.Namespace);
    const enforcePriorVersion = body.EnforcePriorVersion ?? null;
    const toVersion = body.JobVersion ?? 0;
    const byManagement = accessOf(request).isByManagement;
    return this.writes.send(request, reply, {
      name: 'RevertJob',
      changes: () => ({ namespace, jobId }),
      reads: [jobStream(namespace, jobId), jobSummaryStream(namespace, jobId)],
      decide: (view, context) =>
        revertJob(view, context, { namespace, jobId, toVersion, enforcePriorVersion, byManagement }),
      render: (answer, index) => renderRegistered(answer, index),
    });
  }

  @Put('stable')
  stable(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), jobStabilityRequest, { chunked: isChunked(request) }), '', 400);
    const jobId = sameJob(body.JobID, idOf(request));
    const namespace = this.writes.namespace(request, body.Namespace);
    const command = { namespace, jobId, version: body.JobVersion ?? 0, stable: body.Stable ?? false };
    return this.writes.send(request, reply, {
      name: 'MarkJobStable',
      reads: [jobStream(namespace, jobId)],
      decide: (view, context) => markStable(view, context, command),
      render: (_answer, index) => ({ Index: index }),
    });
  }

  @Get('submission')
  submission(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const text = param(queryOf(request), 'version');
    if (!/^\d+$/.test(text)) throw new NomadError('Unable to parse job submission version parameter', 400);
    const stream = jobStream(options.namespace, idOf(request));
    const query: DataQuery = {
      key: `${stream}?submission ${text}`,
      topics: [stream],
      load: async () => {
        const job = await this.objects.job(options.namespace, idOf(request));
        // A tag keeps its version, but not what that was written as.
        const version = job?.versions.slice(0, KEPT_SUBMISSIONS).find((one) => one.version === Number(text));
        const submission = job && version && (await this.submissions.of(job, version));
        if (!submission) return notFound('job source not found', 0);
        const { jobModifyIndex: JobModifyIndex } = version;
        const answer = {
          ...submission,
          Namespace: job.namespace,
          JobID: job.id,
          Version: version.version,
          JobModifyIndex,
        };
        return jsonAnswer(JSON.stringify(answer), JobModifyIndex);
      },
    };
    return this.reads.send(request, reply, options, query);
  }

  @Get('services')
  services(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const where = { namespace: options.namespace, job_id: idOf(request) };
    const query = this.objects.rendered(
      jobStream(options.namespace, idOf(request)),
      'job',
      { text: 'job not found' },
      async (state, moment) =>
        currentVersion(state as JobState) && (await this.objects.texts('service', where, moment)),
      'services',
    );
    return this.reads.send(request, reply, options, { ...query, topics: [...query.topics, 'table:service'] });
  }

  @Get('actions')
  actions(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const unknown = { text: `Unknown job ${JSON.stringify(idOf(request))}`, status: 500 };
    return this.derived(request, reply, 'actions', unknown, ({ spec }) =>
      JSON.stringify(
        spec.TaskGroups.flatMap((group) =>
          group.Tasks.flatMap((task) =>
            (task.Actions ?? []).map((action) => ({ ...action, TaskName: task.Name, TaskGroupName: group.Name })),
          ),
        ),
      ),
    );
  }

  @Get('scale')
  scale(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const { namespace } = options;
    const jobId = idOf(request);
    const query = this.objects.rendered(
      jobStream(namespace, jobId),
      'job',
      { text: 'job not found' },
      async (state, moment) => {
        const current = currentVersion(state as JobState);
        if (current === undefined) return undefined;
        const allocs = await this.objects.allocations(
          await this.readModels.keys('allocation', { namespace, job_id: jobId }),
        );
        const live = allocs.filter((alloc) => !isTerminal(alloc));
        const text = JSON.stringify(renderScaleStatus(state as JobState, current, live));
        return { text, index: Math.min(scaleStatusIndex(state as JobState, current, live), moment.applied) };
      },
      'scale',
    );
    return this.reads.send(request, reply, options, { ...query, topics: [...query.topics, 'table:allocation'] });
  }

  private derived(
    request: FastifyRequest,
    reply: FastifyReply,
    variant: string,
    missing: { readonly text: string; readonly status?: number },
    render: (version: JobVersion) => string,
  ): Promise<void> {
    const options = this.reads.options(request);
    const stream = jobStream(options.namespace, idOf(request));
    const load = (state: unknown): Promise<{ text: string; index: number } | undefined> => {
      const current = currentVersion(state as JobState);
      return Promise.resolve(current && { text: render(current), index: current.modifyIndex });
    };
    return this.reads.send(request, reply, options, this.objects.rendered(stream, 'job', missing, load, variant));
  }

  /** A purge removes the rows, so every row is of the present incarnation and `all` changes nothing. */
  private sublist(
    request: FastifyRequest,
    reply: FastifyReply,
    table: 'allocation' | 'deployment' | 'evaluation',
  ): Promise<void> {
    const options = this.reads.options(request);
    const where = { namespace: options.namespace, job_id: idOf(request) };
    return this.reads.send(request, reply, options, this.objects.rows(table, where));
  }

  /** What a purge takes away in its own commit: all that there is, or what goes first of more than that. */
  private async belongings(namespace: string, jobId: string): Promise<Belongings> {
    const where = { namespace, job_id: jobId };
    const limit = PURGED_PER_COMMAND + 1;
    const found = await Promise.all([
      this.readModels.keys('allocation', where, limit),
      this.readModels.keys('deployment', where, limit),
      this.readModels.keys('evaluation', { ...where, status: ['pending', 'blocked'] }, limit),
    ]);
    const [allocationIds, deploymentIds, evaluationIds] = found.map((ids) => ids.slice(0, PURGED_PER_COMMAND)) as [
      string[],
      string[],
      string[],
    ];
    const services = await this.readModels.list({
      table: 'service',
      where: { ...where, alloc_id: allocationIds },
      order: 'key',
    });
    const owners = services.flatMap(({ key }) => allocationOfService(key) ?? []);
    const leavesMore = found.some((ids) => ids.length > PURGED_PER_COMMAND);
    return { allocationIds, deploymentIds, evaluationIds, allocationsWithServices: [...new Set(owners)], leavesMore };
  }

  /** The allocations that are to stop without delay: those that the command itself does not carry are told so before. */
  private async undelayed(request: FastifyRequest, namespace: string, jobId: string): Promise<Belongings> {
    const ids = await this.readModels.keys('allocation', { namespace, job_id: jobId, desired_status: 'run' });
    for (let i = PURGED_PER_COMMAND; i < ids.length; i += PURGED_PER_COMMAND) {
      const allocationIds = ids.slice(i, i + PURGED_PER_COMMAND);
      await this.writes.execute(request, {
        name: 'SkipShutdownDelays',
        reads: [jobStream(namespace, jobId), ...allocationIds.map(allocationStream)],
        decide: (view, context) => skipShutdownDelays(view, context, { namespace, jobId, allocationIds }),
        render: () => ({}),
        isPart: true,
        changes: () => ({ namespace, jobId }),
      });
    }
    return { ...NOTHING, allocationIds: ids.slice(0, PURGED_PER_COMMAND) };
  }
}

/** What a job has, as far as stopping it has to know; services are looked for to be loaded together. */
type Belongings = Pick<DeregisterJob, 'allocationIds' | 'deploymentIds' | 'evaluationIds' | 'leavesMore'> & {
  readonly allocationsWithServices: readonly string[];
};
const NOTHING: Belongings = {
  allocationsWithServices: [],
  allocationIds: [],
  deploymentIds: [],
  evaluationIds: [],
};

function sameJob(inBody: string | undefined, inPath: string): string {
  if (!inBody) throw new NomadError('JobID must be specified', 400);
  if (inBody !== inPath) throw new NomadError('Job ID does not match', 400);
  return inBody;
}

/** Each version against the next older one, or all of them against the one that is named. */
function versionDiffs(versions: readonly JobVersion[], against: number | undefined, tag: string): object[] {
  if (against === undefined && tag === '') {
    return versions.slice(0, -1).map((version, i) => jobDiff(versions[i + 1]!.spec, version.spec));
  }
  const base = versions.find((version) =>
    tag === '' ? version.version === against : version.versionTag?.Name === tag,
  );
  if (base === undefined)
    throw new NomadError(tag === '' ? `version ${against} not found` : `tag ${JSON.stringify(tag)} not found`);
  return versions.map((version) => jobDiff(base.spec, version.spec));
}
