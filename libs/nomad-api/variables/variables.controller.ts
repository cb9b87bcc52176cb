import type { Permissions } from '@app/domain';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { Variables, type VariableRow } from '@app/read-models';
import type { Answer, Moment } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { orThrow } from '../edge/exchange.js';
import { jsonAnswer, Reads } from '../edge/reads.js';
import {
  byNamespaceAndId,
  compileFilter,
  FILTER_EVALUATION_PREFIX,
  FILTER_SYNTAX_PREFIX,
  NomadError,
  paginate,
  parseNamespaceToken,
  variableType,
  type Filter,
  type ReadOptions,
} from '../http/index.js';
import { allowOtherOrigins } from './cross-origin.js';

const GLUED = 'failed to parse parameters';

/** Nomad: /v1/vars; spec/http-api-more §2.3. */
@Controller('v1')
export class VariablesController {
  constructor(
    private readonly reads: Reads,
    private readonly variables: Variables,
  ) {}

  @Get('vars')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    allowOtherOrigins(reply);
    const options = variableOptions(this.reads, request);
    const { namespace, prefix, filter: text, perPage, nextToken } = options;
    const filter = text === '' ? undefined : orThrow(compileFilter(text, variableType), FILTER_SYNTAX_PREFIX, 400);
    return this.reads.send(request, reply, options, ({ permissions }) => ({
      key: JSON.stringify(['variable', permissions.key, namespace, prefix, text, perPage, nextToken]),
      topics: ['table:variable'],
      load: (moment) => this.load(options, filter, permissions, moment),
    }));
  }

  private async load(
    options: ReadOptions,
    filter: Filter | undefined,
    permissions: Permissions,
    moment: Moment,
  ): Promise<Answer> {
    const { namespace, prefix, perPage, nextToken } = options;
    const from = parseNamespaceToken(nextToken);
    const rows = await this.variables.list({
      namespace,
      prefix,
      ...(from === undefined ? {} : { from: { namespace: from.namespace, path: from.id } }),
      // Only a page of which nothing is left out can be cut by the database.
      ...(filter === undefined && permissions.isManagement && perPage > 0 ? { limit: perPage + 1 } : {}),
    });
    const page = paginate(
      visible(rows.map(listed), filter, permissions),
      { ...options, reverse: false },
      byNamespaceAndId,
    );
    return jsonAnswer(
      `[${page.rows.map(({ document }) => document).join(',')}]`,
      moment.tableIndex('variable'),
      page.nextToken,
    );
  }
}

const listed = (row: VariableRow) => ({ ...row, id: row.path });

/** The rows that match and may be listed; locks are management's business. */
function* visible(rows: readonly ReturnType<typeof listed>[], filter: Filter | undefined, permissions: Permissions) {
  for (const row of rows) {
    if (!permissions.variable(row.namespace, row.path, 'list')) continue;
    const metadata = JSON.parse(row.document) as { Lock: unknown };
    if (filter !== undefined && !orThrow(filter.matches(metadata), FILTER_EVALUATION_PREFIX, 400)) continue;
    const hides = metadata.Lock !== null && !permissions.isManagement;
    yield hides ? { ...row, document: withoutLock(row.document, metadata.Lock) } : row;
  }
}

/** By text: the times in the document have more digits than a number. */
const withoutLock = (document: string, lock: unknown): string =>
  document.replace(`"Lock":${JSON.stringify(lock)}`, () => '"Lock":null');

/** The options of a read of variables: a bad one is told of twice, without a space between. */
export function variableOptions(reads: Reads, request: FastifyRequest): ReadOptions {
  try {
    return reads.options(request);
  } catch (error) {
    if (!(error instanceof NomadError) || error.status !== 400) throw error;
    throw new NomadError(error.text + GLUED, 400);
  }
}
