import type { AggregateState } from '@app/domain';
import type { Index, StreamName } from '@app/kernel';
import { ReadModels, type DocumentRow, type ListQuery } from '@app/read-models';
import {
  KeptLists,
  type Answer,
  type ListAt,
  type ListSource,
  type Moment,
  type Query as DataQuery,
} from '@app/streaming';
import { EVERYTHING, type Visibility } from '../acl/access.js';
import {
  compileFilter,
  FILTER_EVALUATION_PREFIX,
  FILTER_SYNTAX_PREFIX,
  paginate,
  parseUuidPrefix,
  type Filter,
  type ReadOptions,
} from '../http/index.js';
import { orThrow } from './exchange.js';
import {
  keyingOf,
  listed,
  narrowed,
  orderOf,
  pushedDown,
  startOf,
  type JobEndpoint,
  type KeptEndpoint,
  type ListEndpoint,
} from './list-endpoint.js';
import { Objects } from './objects.js';
import { jsonAnswer } from './reads.js';

/** A list as it is asked for. */
interface Asked<E extends ListEndpoint = ListEndpoint> {
  readonly endpoint: E;
  readonly options: ReadOptions;
  readonly prefix: string;
  readonly filter: Filter | undefined;
  readonly seen: Visibility;
  /** All rows that may be listed, but for what a filter leaves out and what may not be seen. */
  readonly query: ListQuery;
}

/** Namespaced, filtered and paged lists; spec/http-api §1.7. */
export class Lists {
  constructor(
    private readonly readModels: ReadModels,
    private readonly objects: Objects,
    private readonly kept: KeptLists,
  ) {}

  /** The query of a list for these options, with the rows that may be seen. A malformed prefix or filter is refused here. */
  query(endpoint: ListEndpoint, options: ReadOptions, visibility: Visibility = EVERYTHING): DataQuery {
    const prefix =
      endpoint.uuidPrefix === undefined
        ? options.prefix
        : orThrow(parseUuidPrefix(options.prefix), endpoint.uuidPrefix);
    const filter = options.filter === '' ? undefined : compiled(endpoint, options.filter);
    const { namespace, perPage, nextToken } = options;
    // Who may not see a single namespace is refused beforehand: only lists of all of them are cut.
    const seen = namespace === '*' && endpoint.table !== 'node' ? visibility : EVERYTHING;
    const asked = { endpoint, options, prefix, filter, seen, query: queryOf(endpoint, options, prefix, filter) };
    const list = JSON.stringify([endpoint.variant, options.filter, seen.key, asked.query]);
    const query = {
      key: `${list} ${perPage} ${nextToken}`,
      topics: endpoint.tables.map((table) => `table:${table}` as const),
    };
    if (isKept(asked) && (filter !== undefined || perPage <= 0)) return { ...query, ...this.keptQuery(asked, list) };
    return { ...query, load: (moment) => this.load(asked, moment) };
  }

  private keptQuery(asked: Asked<KeptEndpoint>, key: string): Pick<DataQuery, 'load' | 'kept'> {
    const { options } = asked;
    const source = this.sourceOf(asked, key);
    const read = async (): Promise<Answer> => {
      const { rows, tableIndex } = await this.kept.read(source);
      if (options.perPage === 0 && options.nextToken === '')
        return { status: 200, index: tableIndex, body: rows.body() };
      const page = paginate(pageable(rows), options, keyingOf<ListedText>(source.query.order));
      const texts = page.rows.map(({ text }) => text().toString());
      return jsonAnswer(`[${texts.join(',')}]`, tableIndex, page.nextToken);
    };
    return { load: read, kept: { read, watch: (wake) => this.kept.watch(source, wake) } };
  }

  private sourceOf({ endpoint, options, filter, seen, query }: Asked<KeptEndpoint>, key: string): ListSource {
    const { show, objectOf, table } = endpoint;
    const order = query.order === 'created' ? 'created' : 'key';
    return {
      key,
      query: { ...query, table, order, sees: seen === EVERYTHING ? undefined : seen.sees },
      show,
      needsStates: show !== undefined || (filter !== undefined && objectOf !== undefined),
      // What evaluation may cost is counted for each look.
      select:
        filter &&
        (() => {
          const { matches } = compiled(endpoint, options.filter);
          return async ({ document, state }) =>
            orThrow(
              matches(
                objectOf === undefined || state === undefined
                  ? (JSON.parse(document) as object)
                  : await objectOf(state),
              ),
              FILTER_EVALUATION_PREFIX,
              400,
            );
        }),
    };
  }

  private async load(asked: Asked, moment: Moment): Promise<Answer> {
    const { endpoint, options, filter, query } = asked;
    const rows = (await this.rows(asked)).map(listed);
    const matching = filter === undefined || endpoint.table !== 'job' ? rows : await filtered(endpoint, rows, filter);
    const page = paginate(matching, options, keyingOf(query.order));
    const texts = await this.texts(endpoint, page.rows);
    const shown = page.rows.flatMap((row) => (texts === undefined ? row.document : (texts.get(row.key) ?? [])));
    return jsonAnswer(`[${shown.join(',')}]`, moment.tableIndex(...endpoint.tables), page.nextToken);
  }

  private async rows({ endpoint, options, filter, seen, query }: Asked): Promise<DocumentRow[]> {
    const { perPage, nextToken } = options;
    const sees = seen === EVERYTHING ? undefined : await this.readModels.namespacesOf(endpoint.table);
    const { namespace: wanted } = query.where;
    const among = sees?.filter((one) => seen.sees(one) && (wanted === undefined || [wanted].flat().includes(one)));
    const where = among === undefined ? query.where : { ...query.where, namespace: among };
    // Only a page that needs no filter can be cut by the database; of the others every candidate must be looked at.
    if (filter !== undefined || perPage <= 0) return this.readModels.list({ ...query, where });
    return this.readModels.list({ ...query, where, ...startOf(query.order, nextToken), limit: perPage + 1 });
  }

  private async texts(
    endpoint: ListEndpoint,
    rows: readonly DocumentRow[],
  ): Promise<ReadonlyMap<string, string> | undefined> {
    if (endpoint.table === 'job') return endpoint.texts(rows);
    const { show, table } = endpoint;
    if (show === undefined) return undefined;
    const states = await this.objects.states<AggregateState & { readonly purged: boolean }>(
      rows.map(({ key }) => `${table}/${key}` satisfies StreamName),
    );
    return new Map(
      rows.flatMap(({ key }, i) => {
        const state = states[i];
        return state === undefined || state.purged ? [] : [[key, show(state)]];
      }),
    );
  }
}

interface ListedText {
  readonly createIndex: Index;
  readonly id: string;
  readonly namespace: string;
  readonly text: () => Buffer;
}

/** Nomad's keys of the rows of a list. */
function* pageable(rows: ListAt['rows']): Generator<ListedText> {
  for (const { key, createIndex, text } of rows.rows()) yield { createIndex, id: key, namespace: '', text };
}

const isKept = (asked: Asked): asked is Asked<KeptEndpoint> => asked.endpoint.table !== 'job';

const compiled = ({ filterType }: ListEndpoint, text: string): Filter =>
  orThrow(compileFilter(text, filterType), FILTER_SYNTAX_PREFIX, 400);

function queryOf(
  { table, where, filterColumns }: ListEndpoint,
  { namespace, reverse }: ReadOptions,
  prefix: string,
  filter: Filter | undefined,
): ListQuery {
  const held: ListQuery['where'] = {
    ...where,
    ...(namespace === '*' || table === 'node' ? {} : { namespace }),
  };
  return {
    table,
    where: filter === undefined ? held : narrowed(held, pushedDown(filter.expression, filterColumns)),
    order: orderOf(table, prefix),
    reverse: reverse && table !== 'node',
    ...(prefix === '' ? {} : { prefix: { column: table === 'job' ? 'job_id' : 'id', value: prefix } }),
  };
}

async function filtered<R extends DocumentRow>(
  { objects }: JobEndpoint,
  rows: readonly R[],
  filter: Filter,
): Promise<R[]> {
  const found = await objects(rows);
  return rows.filter((row) => {
    const object = found.get(row.key);
    return object !== undefined && orThrow(filter.matches(object), FILTER_EVALUATION_PREFIX, 400);
  });
}
