import { Controller, Delete, Get, Req, Res } from '@nestjs/common';
import { allocationOfService, deregisterService } from '@app/domain';
import { servicesStream } from '@app/kernel';
import { choose, parseChoice, type Choice, type Chosen } from '@app/nomad-rpc';
import { ReadModels, type DocumentRow } from '@app/read-models';
import type { Answer, Moment } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from '../acl/access.js';
import { idOf, orThrow, queryOf } from '../edge/exchange.js';
import { jsonAnswer, Reads } from '../edge/reads.js';
import { Writes } from '../edge/writes.js';
import {
  byNamespaceAndId,
  compileFilter,
  FILTER_EVALUATION_PREFIX,
  FILTER_SYNTAX_PREFIX,
  NomadError,
  paginate,
  param,
  serviceRegistrationType,
  type Filter,
  type ReadOptions,
} from '../http/index.js';

const EVERYWHERE = '*';

/** Nomad: /v1/services and /v1/service; spec/http-api-more §4. */
@Controller('v1')
export class ServicesController {
  constructor(
    private readonly reads: Reads,
    private readonly writes: Writes,
    private readonly readModels: ReadModels,
  ) {}

  /** By namespace, with the tags of all registrations of a name. */
  @Get('services')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    return this.reads.send(request, reply, options, (access) => {
      const sees = visibilityOf(access);
      return {
        key: JSON.stringify(['service names', options.namespace, sees.key]),
        topics: ['table:service'],
        load: async (moment) => {
          const names = await this.readModels.serviceNames(options.namespace);
          const shown = Map.groupBy(
            names.filter(({ namespace }) => sees.sees(namespace)),
            ({ namespace }) => namespace,
          );
          const answer = Array.from(shown, ([Namespace, services]) => ({
            Namespace,
            Services: services.map(({ name, tags }) => ({ ServiceName: name, Tags: tags })),
          }));
          return jsonAnswer(JSON.stringify(answer), moment.tableIndex('service'));
        },
      };
    });
  }

  @Get('service/:id')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const [name, id] = partsOf(request);
    if (id !== undefined)
      throw new NomadError(id === '' ? 'missing service id' : 'Invalid method', id === '' ? 400 : 405);
    const options = this.reads.options(request);
    const filter =
      options.filter === ''
        ? undefined
        : orThrow(compileFilter(options.filter, serviceRegistrationType), FILTER_SYNTAX_PREFIX, 400);
    const asked = param(queryOf(request), 'choose');
    const choice = asked === '' ? undefined : parseChoice(asked);
    if (asked !== '' && choice === undefined)
      throw new NomadError("failed to choose services: Parameter for choose must be in form '<number>|<key>'", 400);
    const { namespace, perPage, nextToken, reverse } = options;
    return this.reads.send(request, reply, options, {
      key: JSON.stringify(['service', namespace, name, options.filter, perPage, nextToken, reverse, asked]),
      topics: ['table:service'],
      load: (moment) => this.load(name, options, filter, choice, moment),
    });
  }

  @Delete('service/:id')
  async remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const [, id] = partsOf(request);
    if (id === undefined) throw new NomadError('Invalid method', 405);
    if (id === '') throw new NomadError('missing service id', 400);
    const namespace = this.writes.namespace(request);
    const allocation = allocationOfService(id);
    return this.writes.sendEmpty(request, reply, {
      name: 'DeregisterService',
      reads: allocation === undefined ? [] : [servicesStream(allocation)],
      decide: (view, context) => deregisterService(view, context, { id, namespace, cause: 'operator' }),
    });
  }

  private async load(
    name: string,
    options: ReadOptions,
    filter: Filter | undefined,
    choice: Choice | undefined,
    moment: Moment,
  ): Promise<Answer> {
    const { namespace, reverse } = options;
    const rows = await this.readModels.list({
      table: 'service',
      where: { namespace, service_name: name },
      order: 'key',
      reverse,
    });
    const page = paginate(matching(rows, namespace, filter), options, byNamespaceAndId);
    const index = moment.tableIndex('service');
    const documents = page.rows.map(({ document }) => document);
    if (choice === undefined) return jsonAnswer(`[${documents.join(',')}]`, index, page.nextToken);
    const registrations = documents.map((document) => JSON.parse(document) as Chosen);
    return jsonAnswer(JSON.stringify(choose(registrations, choice)), index, page.nextToken);
  }
}

function* matching(rows: readonly DocumentRow[], namespace: string, filter: Filter | undefined) {
  for (const row of rows)
    if (
      filter === undefined ||
      orThrow(filter.matches(JSON.parse(row.document) as object), FILTER_EVALUATION_PREFIX, 400)
    )
      yield { ...row, id: row.key, namespace };
}

/** A workload sees what there is to call, wherever it is. */
function visibilityOf(access: Access): { readonly key: string; readonly sees: (namespace: string) => boolean } {
  const { kind } = access.caller.identity;
  return kind === 'workload' || kind === 'node' ? { key: EVERYWHERE, sees: () => true } : access.visibility();
}

/** The name of a service and, if there is a slash, the id of a registration. @throws NomadError */
function partsOf(request: FastifyRequest): readonly [name: string, id: string | undefined] {
  const [name = '', id, ...more] = idOf(request).split('/');
  if (more.length > 0) throw new NomadError('invalid URI', 400);
  if (name === '') throw new NomadError('missing service name', 400);
  return [name, id];
}
