import { Controller, Get, Req, Res } from '@nestjs/common';
import {
  renderWaiting,
  type EvaluationState,
  type GroupExplanation,
  type NodeVerdict,
  type PlacementExplanation,
  type Room,
  type WaitingDeployment,
} from '@app/domain';
import { evaluationStream } from '@app/kernel';
import type { Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from '../acl/access.js';
import { orThrow, queryOf } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer, notFound, Reads } from '../edge/reads.js';
import { compareBytes, NomadError, param, parseUuid } from '../http/index.js';

/** Deployments in one answer. */
const MAX_WAITING = 1000;

/** What follows from the cluster as it is now, by the rules of those who lead; made by the app. */
export interface Rules {
  waiting(): Promise<readonly WaitingDeployment[]>;
  /** undefined: there is no such job. */
  explain(
    job: { readonly namespace: string; readonly id: string },
    groups?: ReadonlySet<string>,
  ): Promise<PlacementExplanation | undefined>;
}

/** {@link Rules}, as something that can be injected. */
export class Foresight {
  constructor(readonly rules: Rules) {}
}

/** Beyond Nomad: who has to act, and why nothing is placed. */
@Controller('v1/operator/rollbook')
export class ForesightController {
  constructor(
    private readonly reads: Reads,
    private readonly objects: Objects,
    private readonly foresight: Foresight,
  ) {}

  /** All active deployments: for what they wait, for whom, since when, and what happens if nobody acts. */
  @Get('waiting')
  waiting(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    return this.reads.send(request, reply, options, (access) => this.waitingIn(options.namespace, access));
  }

  /** Of a job (or the job of an evaluation): what each node says to one more allocation of each group, and what would fit. */
  @Get('why')
  why(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const query = queryOf(request);
    const [job, evaluation] = [param(query, 'job'), param(query, 'eval')];
    if ((job === '') === (evaluation === '')) throw new NomadError('name a job or an eval: ?job=… or ?eval=…', 400);
    if (options.namespace === '*') throw new NomadError('name the namespace of the job', 400);
    const id = evaluation === '' ? '' : orThrow(parseUuid(evaluation), 'eval lookup failed: ');
    return this.reads.send(request, reply, options, (access) => ({
      key: JSON.stringify(['why', options.namespace, job, id, showsNodes(access)]),
      topics: ['table:node', 'table:allocation', 'table:job', ...(id === '' ? [] : [evaluationStream(id)])],
      load: async (moment) => {
        const index = moment.tableIndex('node', 'allocation', 'job');
        const about =
          id === '' ? { namespace: options.namespace, id: job, groups: undefined } : await this.ofEvaluation(id);
        if (about === undefined) return notFound('eval not found', index);
        const explanation = await this.foresight.rules.explain(about, about.groups);
        if (explanation === undefined) return notFound('job not found', index);
        const answer = renderExplanation(explanation, showsNodes(access));
        return jsonAnswer(JSON.stringify(answer), index, undefined, about.namespace);
      },
    }));
  }

  private waitingIn(namespace: string, access: Access): DataQuery {
    const { key, sees } = access.visibility();
    const isAsked = (of: string): boolean => (namespace === '*' ? sees(of) : of === namespace);
    return {
      key: JSON.stringify(['waiting', namespace, key]),
      topics: ['table:deployment', 'table:allocation', 'table:evaluation', 'table:job'],
      load: async (moment) => {
        const index = moment.tableIndex('deployment', 'allocation', 'evaluation', 'job');
        const all = (await this.foresight.rules.waiting()).filter(({ deployment }) => isAsked(deployment.namespace));
        const told = all.map((one) => renderWaiting(one)).sort(byUrgency);
        const answer = { Total: told.length, Deployments: told.slice(0, MAX_WAITING) };
        return jsonAnswer(JSON.stringify(answer), index);
      },
    };
  }

  /** The job of an evaluation, and the groups of which it could not place all; all of them if it placed everything. */
  private async ofEvaluation(id: string) {
    const [found] = await this.objects.states<EvaluationState>([evaluationStream(id)]);
    if (found === undefined || found.purged) return undefined;
    const failed = Object.keys(found.failedGroups ?? {});
    return {
      namespace: found.namespace,
      id: found.jobId,
      groups: failed.length === 0 ? undefined : new Set(failed),
    };
  }
}

/** Who may not read nodes is told how many there are, and why they do not suit. */
const showsNodes = (access: Access): boolean => access.permissions.level('node', 'read');

/** What waits for a person first, and of that what waits longest. */
const byUrgency = (a: Waiting, b: Waiting): number =>
  Number(b.By === 'operator') - Number(a.By === 'operator') || compareBytes(a.Since ?? '', b.Since ?? '');
type Waiting = ReturnType<typeof renderWaiting>;

const renderRoom = ({ cpu, memory, disk, cores }: Room): object => ({
  CPU: cpu,
  MemoryMB: memory,
  DiskMB: disk,
  Cores: cores,
});

const renderVerdict = ({ node, reasons, free, lacks, fits }: NodeVerdict): object => ({
  NodeID: node.id,
  NodeName: node.description.Name,
  Reasons: reasons,
  Free: renderRoom(free),
  Lacks: renderRoom(lacks),
  Fits: fits,
});

const renderGroup = (group: GroupExplanation, withNodes: boolean): object => ({
  Group: group.group,
  Count: group.count,
  Asks: renderRoom(group.asks),
  Reasons: [...group.reasons].sort((a, b) => b[1] - a[1]).map(([Reason, Nodes]) => ({ Reason, Nodes })),
  NodesFitting: group.fitting,
  WouldFit: group.wouldFit && renderRoom(group.wouldFit),
  Nodes: withNodes ? group.verdicts.map(renderVerdict) : null,
});

const renderExplanation = ({ version, groups, nodes, judged }: PlacementExplanation, withNodes: boolean): object => ({
  Namespace: version.spec.Namespace,
  JobID: version.spec.ID,
  JobVersion: version.version,
  NodesTotal: nodes,
  NodesJudged: judged,
  Groups: groups.map((group) => renderGroup(group, withNodes)),
});
