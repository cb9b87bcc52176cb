import type { AggregateState } from '@app/domain';
import type { Index, StreamName } from '@app/kernel';
import { asOf, ReadModels, type DocumentRow, type ListQuery } from '@app/read-models';
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
  placeOf,
  pushedDown,
  readsOnly,
  startOf,
  type JobEndpoint,
  type KeptEndpoint,
  type ListEndpoint,
  type ListedRow,
} from './list-endpoint.js';
import { Objects } from './objects.js';
import { jsonAnswer } from './reads.js';

/** Rows that are looked at first where it is not known how many a page takes, and the most at a time: a list of any length holds no more. */
const FIRST_LOOK = 64;
const WIDEST_LOOK = 1_024;

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
    // A page is looked for where it begins, whatever a filter leaves out: a list that is kept whole for it would cost more than the page.
    if (isKept(asked) && (perPage <= 0 || asOf() !== undefined)) return { ...query, ...this.keptQuery(asked, list) };
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
    const { endpoint, options, query } = asked;
    const texts: string[] = [];
    const show = async (rows: readonly ListedRow[]): Promise<void> => {
      const shown = await this.texts(endpoint, rows);
      for (const row of rows) texts.push(...(shown === undefined ? [row.document] : [shown.get(row.key) ?? []].flat()));
    };
    let nextToken = '';
    const { perPage } = options;
    let left = perPage === 0 ? Infinity : Math.max(perPage, 0);
    for await (const rows of this.candidates(asked)) {
      const page = paginate(await this.matching(asked, rows), options, keyingOf<ListedRow>(query.order), left);
      await show(page.rows);
      left -= page.rows.length;
      ({ nextToken } = page);
      if (nextToken !== '') break;
    }
    return jsonAnswer(`[${texts.join(',')}]`, moment.tableIndex(...endpoint.tables), nextToken);
  }

  /** The rows that may be listed, from the beginning of the page on, some at a time: whoever has enough goes. */
  private async *candidates(asked: Asked): AsyncGenerator<readonly ListedRow[]> {
    const { endpoint, options, filter, seen, query: whole } = asked;
    const sees = seen === EVERYTHING ? undefined : await this.readModels.namespacesOf(endpoint.table);
    const { namespace: wanted } = whole.where;
    const among = sees?.filter((one) => seen.sees(one) && (wanted === undefined || [wanted].flat().includes(one)));
    const query = { ...whole, ...(among !== undefined && { where: { ...whole.where, namespace: among } }) };
    // Every look at the past makes the whole list of it.
    if (asOf() !== undefined && (filter !== undefined || options.perPage <= 0))
      return yield (await this.readModels.list(query)).map(listed);
    let from = startOf(query.order, options.nextToken);
    let last: string | undefined;
    let limit = filter === undefined && options.perPage > 0 ? Math.min(options.perPage + 1, WIDEST_LOOK) : FIRST_LOOK;
    for (;;) {
      const rows = (await this.readModels.list({ ...query, ...from, limit })).map(listed);
      // A look begins with the row that ended the one before, unless that has gone meanwhile.
      yield rows[0]?.key === last ? rows.slice(1) : rows;
      const end = rows.at(-1);
      if (end === undefined || rows.length < limit) return;
      last = end.key;
      from = { from: placeOf(query.order, end) };
      limit = Math.min(2 * limit, WIDEST_LOOK);
    }
  }

  private async matching(asked: Asked, rows: readonly ListedRow[]): Promise<readonly ListedRow[]> {
    const { filter, endpoint } = asked;
    if (filter === undefined || rows.length === 0) return rows;
    const { documentFields } = endpoint;
    const ofDocuments = (): readonly ListedRow[] =>
      rows.filter(({ document }) => holds(filter, JSON.parse(document) as object));
    if (documentFields !== undefined && readsOnly(filter.expression, documentFields)) return ofDocuments();
    if (endpoint.table === 'job') return filtered(endpoint.objects, rows, filter);
    const { objectOf, table } = endpoint;
    if (objectOf === undefined) return ofDocuments();
    const states = await this.objects.states<AggregateState & { readonly purged: boolean }>(
      rows.map(({ key }) => `${table}/${key}` satisfies StreamName),
    );
    const matching: ListedRow[] = [];
    for (const [i, row] of rows.entries()) {
      const state = states[i];
      if (state !== undefined && !state.purged && holds(filter, await objectOf(state))) matching.push(row);
    }
    return matching;
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

const holds = (filter: Filter, object: object): boolean =>
  orThrow(filter.matches(object), FILTER_EVALUATION_PREFIX, 400);

async function filtered(
  objects: JobEndpoint['objects'],
  rows: readonly ListedRow[],
  filter: Filter,
): Promise<ListedRow[]> {
  const found = await objects(rows);
  return rows.filter(({ key }) => {
    const object = found.get(key);
    return object !== undefined && holds(filter, object);
  });
}
