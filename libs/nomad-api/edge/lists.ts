import { ownProperty, type Index } from '@app/kernel';
import { ReadModels, type DocumentRow, type ListQuery, type TableName } from '@app/read-models';
import type { Answer, Moment, Query as DataQuery } from '@app/streaming';
import { EVERYTHING, type Visibility } from '../acl/access.js';
import {
  byCreateIndexAndId,
  byId,
  byNamespaceAndId,
  compileFilter,
  FILTER_EVALUATION_PREFIX,
  FILTER_SYNTAX_PREFIX,
  paginate,
  parseCreateIndexToken,
  parseUuidPrefix,
  type Expression,
  type Filter,
  type FilterType,
  type Keying,
  type ReadOptions,
} from '../http/index.js';
import { orThrow } from './exchange.js';
import { jsonAnswer } from './reads.js';

/** A row that can be paged: Nomad's key of the list it is in. */
export interface ListedRow extends DocumentRow {
  readonly createIndex: Index;
  readonly id: string;
  readonly namespace: string;
}

/** A list endpoint: where its rows come from, and how they are shown. */
export interface ListEndpoint {
  readonly table: TableName;
  readonly where: ListQuery['where'];
  /** Ids in the table are UUIDs: their prefixes are checked, with this text before the error. */
  readonly uuidPrefix?: string;
  readonly filterType: FilterType;
  /** Equality in a filter on these fields is looked up by column. */
  readonly filterColumns: Readonly<Record<string, string>>;
  /**
   * The complete objects that a filter looks at, by the keys of their rows; undefined: the documents. They are read after the rows: of one that has gone
   * meanwhile there is none, and its row is left out.
   */
  readonly objects?: (rows: readonly DocumentRow[]) => Promise<ReadonlyMap<string, object>>;
  /** The texts to be listed, in the same way. */
  readonly texts?: (rows: readonly DocumentRow[]) => Promise<ReadonlyMap<string, string>>;
  /** What the key of the answer adds to the path: options that change how rows are shown. */
  readonly variant?: string;
  readonly tables: readonly TableName[];
}

/** Namespaced, filtered and paged lists; spec/http-api §1.7. */
export class Lists {
  constructor(private readonly readModels: ReadModels) {}

  /** The query of a list for these options, with the rows that may be seen. A malformed prefix or filter is refused here. */
  query(endpoint: ListEndpoint, options: ReadOptions, visibility: Visibility = EVERYTHING): DataQuery {
    const prefix =
      endpoint.uuidPrefix === undefined
        ? options.prefix
        : orThrow(parseUuidPrefix(options.prefix), endpoint.uuidPrefix);
    const filter = options.filter === '' ? undefined : this.compile(endpoint, options.filter);
    const { namespace, perPage, nextToken, reverse } = options;
    // Who may not see a single namespace is refused beforehand: only lists of all of them are cut.
    const seen = namespace === '*' && endpoint.table !== 'node' ? visibility : EVERYTHING;
    return {
      key: JSON.stringify([
        endpoint.table,
        endpoint.where,
        endpoint.variant,
        namespace,
        prefix,
        options.filter,
        perPage,
        nextToken,
        reverse,
        seen.key,
      ]),
      topics: endpoint.tables.map((table) => `table:${table}` as const),
      load: (moment) => this.load(endpoint, options, prefix, filter, seen, moment),
    };
  }

  private compile(endpoint: ListEndpoint, text: string): Filter {
    return orThrow(compileFilter(text, endpoint.filterType), FILTER_SYNTAX_PREFIX, 400);
  }

  private async load(
    endpoint: ListEndpoint,
    options: ReadOptions,
    prefix: string,
    filter: Filter | undefined,
    seen: Visibility,
    moment: Moment,
  ): Promise<Answer> {
    const rows = (await this.rows(endpoint, options, prefix, filter, seen)).map(listed);
    const matching = filter === undefined ? rows : await this.filtered(endpoint, rows, filter);
    const page = paginate(matching, options, keyingOf(endpoint, prefix));
    const texts = await endpoint.texts?.(page.rows);
    const shown = page.rows.flatMap((row) => (texts === undefined ? row.document : (texts.get(row.key) ?? [])));
    return jsonAnswer(`[${shown.join(',')}]`, moment.tableIndex(...endpoint.tables), page.nextToken);
  }

  private async rows(
    endpoint: ListEndpoint,
    options: ReadOptions,
    prefix: string,
    filter: Filter | undefined,
    seen: Visibility,
  ): Promise<DocumentRow[]> {
    const { namespace, perPage, nextToken, reverse } = options;
    const isJobs = endpoint.table === 'job';
    const anywhere = namespace === '*' || endpoint.table === 'node';
    const namespaces =
      seen === EVERYTHING ? undefined : (await this.readModels.namespacesOf(endpoint.table)).filter(seen.sees);
    const held: ListQuery['where'] = {
      ...endpoint.where,
      ...(anywhere ? {} : { namespace }),
      ...(namespaces && { namespace: namespaces }),
    };
    const where = filter === undefined ? held : narrowed(held, pushedDown(filter.expression, endpoint.filterColumns));
    const query: ListQuery = {
      table: endpoint.table,
      where,
      order: isJobs ? 'job' : prefix === '' && endpoint.table !== 'node' ? 'created' : 'key',
      reverse: reverse && endpoint.table !== 'node',
      ...(prefix === '' ? {} : { prefix: { column: isJobs ? 'job_id' : 'id', value: prefix } }),
    };
    // Only a page that needs no filter can be cut by the database; of the others every candidate must be looked at.
    if (filter !== undefined || perPage <= 0 || isJobs) return this.readModels.list(query);
    const from = startOf(query, nextToken);
    return this.readModels.list(from === 'unknown' ? query : { ...query, ...from, limit: perPage + 1 });
  }

  private async filtered(endpoint: ListEndpoint, rows: readonly ListedRow[], filter: Filter): Promise<ListedRow[]> {
    const objects = await endpoint.objects?.(rows);
    return rows.filter((row) => {
      const object = objects === undefined ? (JSON.parse(row.document) as object) : objects.get(row.key);
      return object !== undefined && orThrow(filter.matches(object), FILTER_EVALUATION_PREFIX, 400);
    });
  }
}

/** With the equalities that a filter asks for beside those that hold anyway: one does not replace the other. */
function narrowed(held: ListQuery['where'], wanted: Readonly<Record<string, string>>): ListQuery['where'] {
  const isExcluded = (column: string, value: string): boolean => {
    const present = ownProperty(held, column);
    return present !== undefined && !(Array.isArray(present) ? present.includes(value) : present === value);
  };
  const narrow = Object.entries(wanted).map(([column, value]) => [column, isExcluded(column, value) ? [] : value]);
  return { ...held, ...(Object.fromEntries(narrow) as ListQuery['where']) };
}

function startOf(query: ListQuery, token: string): { from?: NonNullable<ListQuery['from']> } | 'unknown' {
  if (token === '') return {};
  if (query.order === 'key') return { from: { key: token } };
  const parsed = parseCreateIndexToken(token);
  return parsed === undefined
    ? 'unknown'
    : { from: { createIndex: Math.min(Number(parsed.createIndex), Number.MAX_SAFE_INTEGER), key: parsed.id } };
}

const keyingOf = (endpoint: ListEndpoint, prefix: string): Keying<ListedRow> =>
  endpoint.table === 'job' ? byNamespaceAndId : prefix === '' && endpoint.table !== 'node' ? byCreateIndexAndId : byId;

function listed(row: DocumentRow): ListedRow {
  const slash = row.key.indexOf('/');
  return {
    ...row,
    createIndex: Number(row.create_index),
    id: slash < 0 ? row.key : row.key.slice(slash + 1),
    namespace: slash < 0 ? '' : row.key.slice(0, slash),
  };
}

/** Equalities that every match must satisfy, as columns: `JobID == "web" and …`. The filter is still evaluated on what is found. */
export function pushedDown(expression: Expression, columns: Readonly<Record<string, string>>): Record<string, string> {
  if (expression.kind === 'and') {
    // Only what comes first is sure to be evaluated for every row: an error in it must not be hidden.
    const [first] = expression.operands;
    return first === undefined ? {} : pushedDown(first, columns);
  }
  if (expression.kind !== 'match' || expression.operator !== 'equal' || expression.negated) return {};
  const [field, ...deeper] = expression.selector.path;
  const column = field === undefined || deeper.length > 0 ? undefined : ownProperty(columns, field);
  return column === undefined ? {} : { [column]: expression.value };
}
