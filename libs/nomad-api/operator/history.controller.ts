import { Controller, Get, Req, Res } from '@nestjs/common';
import type { EventStore } from '@app/event-store';
import {
  allocationStream,
  deploymentStream,
  evaluationStream,
  jobStream,
  nodeStream,
  type StreamName,
} from '@app/kernel';
import type { Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { idOf } from '../edge/exchange.js';
import { jsonAnswer, notFound, Reads } from '../edge/reads.js';
import { NomadError } from '../http/index.js';
import { renderEvent } from './render-event.js';

const FIRST_VERSION = 1;

/** Streams by the word in the path; only jobs are found by a namespace. */
const STREAMS: ReadonlyMap<string, (namespace: string, id: string) => StreamName> = new Map([
  ['deployment', (_namespace: string, id: string) => deploymentStream(id)],
  ['allocation', (_namespace: string, id: string) => allocationStream(id)],
  ['evaluation', (_namespace: string, id: string) => evaluationStream(id)],
  ['node', (_namespace: string, id: string) => nodeStream(id)],
  ['job', jobStream],
]);

/** The events of one stream as answers, waited for like any other read. */
export class History {
  constructor(private readonly store: Pick<EventStore, 'readStream'>) {}

  query(stream: StreamName, table: string): DataQuery {
    return {
      key: `history ${stream}`,
      topics: [stream],
      missTopics: [`table:${table}`],
      load: async (moment) => {
        const events = await this.store.readStream(stream, FIRST_VERSION);
        const last = events.at(-1);
        if (last === undefined) return notFound(`${table} not found`, moment.tableIndex(table));
        return jsonAnswer(JSON.stringify(events.map(renderEvent)), last.index);
      },
    };
  }
}

/** Beyond Nomad: the story of a deployment (allocation, evaluation, job, node), event by event, from the log itself; also of what is purged. */
@Controller('v1/operator/rollbook/history')
export class HistoryController {
  constructor(
    private readonly reads: Reads,
    private readonly history: History,
  ) {}

  @Get(':type/:id')
  read(@Req() request: FastifyRequest<{ Params: { type: string } }>, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const { type } = request.params;
    const streamOf = STREAMS.get(type);
    if (streamOf === undefined)
      throw new NomadError(`no history of ${type}: there are ${[...STREAMS.keys()].join(', ')}`, 404);
    return this.reads.send(
      request,
      reply,
      options,
      this.history.query(streamOf(options.namespace, idOf(request)), type),
    );
  }
}
