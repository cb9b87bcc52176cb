import { PassThrough } from 'node:stream';
import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { NodeState } from '@app/domain';
import { nodeStream } from '@app/kernel';
import { accessOf, type Access } from '../acl/access.js';
import { watchRight } from '../acl/lasting-right.js';
import { abortSignal, queryOf } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { LOG_LEVELS, readableLine, type LogLine } from '@app/nomad-rpc';
import { Forwarding } from '../client/forwarding.js';
import { sendFrames } from '../client/frame-stream.js';
import { NomadError, param, parseBool, type Query } from '../http/index.js';
import { Servers } from './servers.js';

const LEVELS: readonly string[] = LOG_LEVELS;
const HEARTBEAT_MS = 10_000;
/** A reader that is so far behind is let go: the log does not wait for it. */
const MAX_BEHIND_BYTES = 1024 * 1024;

/** The process's log as it is written: each line is one JSON object with `level`, `time` and `msg`. Given by the app. */
export abstract class LogLines {
  /** @returns what ends it */
  abstract follow(onLine: (line: string) => void): () => void;
}

/** Nomad: the log of an agent as it goes on; spec/http-api-client §10. It holds what this server logs at its own level. */
@Controller('v1/agent')
export class MonitorController {
  constructor(
    private readonly lines: LogLines,
    private readonly servers: Servers,
    private readonly objects: Objects,
    private readonly forwarding: Forwarding,
  ) {}

  @Get('monitor')
  async monitor(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = queryOf(request);
    const access = accessOf(request);
    // Nomad has answered before it finds out at the node.
    if (access.isByStranger && param(query, 'node_id') !== '') {
      access.refused();
      return void reply.type('text/plain; charset=utf-8').send('rpc error: Permission denied');
    }
    const isAllowed = (now: Access): boolean => now.permissions.level('agent', 'read');
    if (access.isEnforced) access.settle(isAllowed(access));
    const least = leastLevel(param(query, 'log_level') || 'info');
    const asJson = flag(query, 'log_json', 'log json');
    const withLocation = flag(query, 'log_include_location', 'log_include_location');
    const plain = flag(query, 'plain', 'plain');
    await this.checkTarget(query);
    const nodeId = param(query, 'node_id').toLowerCase();
    if (nodeId !== '') {
      const args = {
        LogLevel: param(query, 'log_level') || 'info',
        LogJSON: asJson,
        LogIncludeLocation: withLocation,
        NodeID: nodeId,
        ServerID: '',
        PlainText: plain,
      };
      const opened = await this.forwarding.stream(
        request,
        nodeId,
        'Agent.Monitor',
        args,
        abortSignal(reply),
        isAllowed,
      );
      return sendFrames(request, reply, opened, plain ? 'text/plain' : 'application/json');
    }
    const body = new PassThrough();
    const frame = (line: string): string =>
      plain ? `${line}\n` : JSON.stringify({ Data: Buffer.from(`${line}\n`).toString('base64'), FileEvent: 'log' });
    const write = (text: string): void => {
      if (body.readableLength + body.writableLength > MAX_BEHIND_BYTES) body.destroy();
      else if (!body.destroyed) body.write(text);
    };
    const leave = this.lines.follow((line) => {
      const { level } = levelOf(line);
      if (LEVELS.indexOf(level) >= least) write(frame(asJson ? line.trimEnd() : readableLine(levelOf(line))));
    });
    const heartbeat = setInterval(() => plain || write('{}'), HEARTBEAT_MS);
    const right = watchRight(access, isAllowed);
    // Broken off, not ended: whoever reads must notice.
    right.lost.addEventListener('abort', () => body.destroy(right.lost.reason as Error), { once: true });
    const end = (): void => {
      right.end();
      clearInterval(heartbeat);
      leave();
      body.destroy();
    };
    body.once('close', end);
    reply.raw.once('close', end);
    reply.type(plain ? 'text/plain' : 'application/json').send(body);
    reply.raw.flushHeaders();
    if (!plain) write('{}');
  }

  /** How the process was started, its words separated by NUL. */
  @Get('pprof/cmdline')
  commandLine(@Res() reply: FastifyReply): void {
    reply.header('X-Content-Type-Options', 'nosniff').type('text/plain; charset=utf-8').send(process.argv.join('\0'));
  }

  private async checkTarget(query: Query): Promise<void> {
    const [nodeId, serverId] = [param(query, 'node_id'), param(query, 'server_id')];
    if (nodeId !== '' && serverId !== '') throw new NomadError('Cannot target node and server simultaneously', 400);
    if (nodeId !== '' && !(await this.isKnown(nodeId)))
      throw new NomadError(`RPC Error:: 404,Unknown node "${nodeId}"`);
    if (serverId === '') return;
    const servers = await this.servers.list();
    if (serverId === 'leader' && servers.some(({ isLeader, isSelf }) => isLeader && isSelf)) return;
    const server = servers.find(({ id, name }) => serverId === id || serverId === name);
    if (server?.isSelf) return;
    if (server === undefined && serverId !== 'leader') throw new NomadError(`unknown Nomad server ${serverId}`, 400);
    throw new NomadError('the log of another server is not forwarded: ask that server', 501);
  }

  private async isKnown(nodeId: string): Promise<boolean> {
    const [node] = await this.objects.states<NodeState>([nodeStream(nodeId.toLowerCase())]);
    return node !== undefined && !node.purged;
  }
}

function leastLevel(name: string): number {
  const level = LEVELS.indexOf(name.toLowerCase());
  if (level < 0) throw new NomadError(`Unknown log level: ${name}`, 400);
  return level;
}

function flag(query: Query, name: string, called: string): boolean {
  const text = param(query, name);
  if (text === '') return false;
  const value = parseBool(text);
  if (!value.ok) throw new NomadError(`Unknown option for ${called}: ${value.error}`, 400);
  return value.value;
}

function levelOf(line: string): LogLine {
  try {
    const parsed = JSON.parse(line) as LogLine;
    return { ...parsed, level: parsed.level === 'fatal' ? 'error' : parsed.level };
  } catch {
    return { level: 'info', time: '', msg: line.trimEnd() };
  }
}
