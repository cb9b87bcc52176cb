import { Controller, Put, Req, Res } from '@nestjs/common';
import {
  annotateDiff,
  jobDiffInSteps,
  launchInZone,
  renderAllocationStub,
  renderEvaluation,
  type EvaluationState,
  type JobDiff,
  type JobRehearsal,
  type JobSpec,
} from '@app/domain';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { breathe, drive } from '../edge/breathe.js';
import { bodyOf, idOf, isChunked, orThrow } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { jsonSteps } from '../edge/json-steps.js';
import { sendChunks } from '../edge/reads.js';
import { wordingOf } from '../edge/rejections.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { Writes } from '../edge/writes.js';
import { decodeBodyInSteps, jobPlanRequest, NomadError } from '../http/index.js';
import { Planner } from './planner.js';
import { admit } from './registration.js';

/** Nomad: /v1/job/:id/plan; spec/http-api §4.4. */
@Controller('v1/job/:id')
export class JobPlanController {
  constructor(
    private readonly planner: Planner,
    private readonly objects: Objects,
    private readonly writes: Writes,
    private readonly server: ServerIdentity,
  ) {}

  @Put('plan')
  async plan(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(
      await drive(decodeBodyInSteps(bodyOf(request), jobPlanRequest, { chunked: isChunked(request) })),
      '',
      400,
    );
    if (!body.Job) throw new NomadError('Job must be specified', 400);
    if (!body.Job.ID) throw new NomadError('Job must have a valid ID', 400);
    if (body.Job.ID !== idOf(request)) throw new NomadError('Job ID does not match', 400);
    const edge = { writes: this.writes, server: this.server, objects: this.objects };
    const { spec, warnings } = await admit(request, body, body.Job, edge, { withPlaces: true });
    accessOf(request).require();
    const rehearsed = await this.planner.rehearse(spec);
    await breathe();
    if (rehearsed.kind === 'rejected') throw wordingOf(rehearsed.rejection);
    const index = rehearsed.answer.current?.jobModifyIndex ?? 0;
    const { current, desired } = rehearsed.answer;
    const diff = body.Diff ? await drive(jobDiffInSteps(current?.spec ?? null, spec)) : null;
    const answer = {
      ...renderPlan(rehearsed.answer, spec, diff && annotateDiff(diff, desired)),
      JobModifyIndex: index,
      Warnings: warnings,
      Index: index,
    };
    await breathe();
    const text = await drive(jsonSteps(answer));
    reply.header('X-Nomad-Index', index);
    sendChunks(request, reply, text);
  }
}

/** An evaluation of a job that has not been registered: it knows no index of it. */
function renderUnregistered(evaluation: EvaluationState): object {
  const { JobModifyIndex: _unknown, ...rendered } = renderEvaluation(evaluation) as {
    readonly JobModifyIndex?: number;
  };
  return rendered;
}

/** Nomad: JobPlanResponse, without what is the edge's own. */
const renderPlan = (
  { current, desired, preempted, ...rehearsal }: JobRehearsal,
  spec: JobSpec,
  diff: JobDiff | null,
): object => ({
  Annotations: {
    DesiredTGUpdates: desired,
    PreemptedAllocs: preempted.length === 0 ? null : preempted.map((alloc) => renderAllocationStub(alloc)),
  },
  FailedTGAllocs: rehearsal.failedGroups,
  CreatedEvals:
    rehearsal.createdEvaluations.length === 0
      ? null
      : rehearsal.createdEvaluations.map(current === undefined ? renderUnregistered : renderEvaluation),
  Diff: diff,
  NextPeriodicLaunch:
    rehearsal.nextLaunch === null || spec.Periodic === null ? null : launchInZone(spec.Periodic, rehearsal.nextLaunch),
});
