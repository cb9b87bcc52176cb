import { Controller, Get, Put, Req, Res } from '@nestjs/common';
import {
  chooseAutopilotConfiguration,
  renderAutopilotConfiguration,
  type AutopilotConfiguration,
  type AutopilotConfigurationState,
} from '@app/domain';
import { AUTOPILOT_CONFIGURATION, type DurationNs } from '@app/kernel';
import { LogTail } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, isChunked, orThrow, queryOf } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer, Reads, sendJson } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { Writes } from '../edge/writes.js';
import {
  autopilotConfigurationRequest,
  decodeBody,
  NomadError,
  param,
  parseGoDuration,
  parseUint64,
  type AutopilotConfigurationRequest,
} from '../http/index.js';
import { UNKNOWN_TIME } from '../status/agent.controller.js';
import { Servers } from '../status/servers.js';

/** No index is 0, and nothing came before this. */
const FIRST_INDEX = 1;

/** Nomad: /v1/operator/autopilot; spec/http-api-client §11. */
@Controller('v1/operator/autopilot')
export class AutopilotController {
  private readonly startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();

  constructor(
    private readonly reads: Reads,
    private readonly writes: Writes,
    private readonly objects: Objects,
    private readonly servers: Servers,
    private readonly tail: LogTail,
    private readonly identity: ServerIdentity,
  ) {}

  @Get('configuration')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.reads.send(request, reply, this.reads.options(request), {
      key: AUTOPILOT_CONFIGURATION,
      topics: [AUTOPILOT_CONFIGURATION],
      load: async () => {
        const [state] = await this.objects.states<AutopilotConfigurationState>([AUTOPILOT_CONFIGURATION]);
        return jsonAnswer(JSON.stringify(renderAutopilotConfiguration(state)), state?.modifyIndex ?? FIRST_INDEX);
      },
    });
  }

  @Put('configuration')
  choose(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = queryOf(request);
    const decoded = decodeBody(bodyOf(request), autopilotConfigurationRequest, { chunked: isChunked(request) });
    const configuration = configurationOf(orThrow(decoded, 'Error parsing autopilot config: ', 400));
    const enforceIndex = query.has('cas')
      ? Number(orThrow(parseUint64(param(query, 'cas')), 'Error parsing cas value: ', 400))
      : null;
    return this.writes.send(request, reply, {
      name: 'ChooseAutopilotConfiguration',
      reads: [AUTOPILOT_CONFIGURATION],
      decide: (view, context) => chooseAutopilotConfiguration(view, context, { configuration, enforceIndex }),
      render: ({ updated }) => updated,
    });
  }

  /** Servers share a database: one that is left goes on alone, so all but one may fail. */
  @Get('health')
  async health(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const servers = await this.servers.list();
    const { term } = await this.servers.leadership();
    const leader = servers.find(({ isLeader }) => isLeader);
    const body = {
      Healthy: leader !== undefined,
      FailureTolerance: servers.length - 1,
      Servers: servers.map(({ id, name, rpcAddress, isLeader, isSelf }) => ({
        ID: id,
        Name: `${name}.${this.identity.region}`,
        Address: rpcAddress,
        SerfStatus: 'alive',
        Version: this.identity.version,
        Leader: isLeader,
        LastContact: '0s',
        LastTerm: term,
        LastIndex: this.tail.applied,
        Healthy: true,
        Voter: true,
        StableSince: isSelf ? this.startedAt : UNKNOWN_TIME,
      })),
      Leader: leader?.id ?? '',
      Voters: servers.map(({ id }) => id),
    };
    if (leader === undefined) void reply.code(429);
    sendJson(request, reply, body);
  }
}

/** What is not given is off or 0, as in Nomad. */
function configurationOf(body: AutopilotConfigurationRequest): AutopilotConfiguration {
  return {
    cleanupDeadServers: body.CleanupDeadServers ?? false,
    lastContactThreshold: durationOf(body.LastContactThreshold),
    maxTrailingLogs: body.MaxTrailingLogs ?? 0,
    minQuorum: body.MinQuorum ?? 0,
    serverStabilizationTime: durationOf(body.ServerStabilizationTime),
    enableRedundancyZones: body.EnableRedundancyZones ?? false,
    disableUpgradeMigration: body.DisableUpgradeMigration ?? false,
    enableCustomUpgrades: body.EnableCustomUpgrades ?? false,
  };
}

/** A text such as `200ms`, or nanoseconds. */
function durationOf(value: unknown): DurationNs {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  const duration = typeof value === 'string' ? parseGoDuration(value) : undefined;
  if (duration === undefined || !Number.isSafeInteger(duration))
    throw new NomadError(`Error parsing autopilot config: time: invalid duration ${JSON.stringify(value)}`, 400);
  return duration;
}
