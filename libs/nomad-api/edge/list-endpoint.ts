import type { AggregateState } from '@app/domain';
import { ownProperty, type Index } from '@app/kernel';
import type { DocumentRow, ListQuery, TableName } from '@app/read-models';
import type { KeptTable } from '@app/streaming';
import {
  byCreateIndexAndId,
  byId,
  byNamespaceAndId,
  parseCreateIndexToken,
  parseNamespaceToken,
  type Expression,
  type FilterType,
  type Keying,
} from '../http/index.js';

interface Endpoint {
  readonly where: ListQuery['where'];
  /** Ids in the table are UUIDs: their prefixes are checked, with this text before the error. */
  readonly uuidPrefix?: string;
  readonly filterType: FilterType;
  /** Equality in a filter on these fields is looked up by column. */
  readonly filterColumns: Readonly<Record<string, string>>;
  /** Fields that the documents of the rows show as the complete objects do: a filter on nothing else needs no object. */
  readonly documentFields?: ReadonlySet<string>;
  /** What the key of the answer adds to the path: options that change how rows are shown. */
  readonly variant?: string;
  readonly tables: readonly TableName[];
}

/** A list of which every row is made of one state: kept, and refreshed by what changes. */
export interface KeptEndpoint extends Endpoint {
  readonly table: KeptTable;
  /** The texts to be listed; undefined: the documents. */
  readonly show?: (state: AggregateState) => string;
  /** The complete objects that a filter looks at; undefined: the documents. */
  readonly objectOf?: (state: AggregateState) => object | Promise<object>;
}

/** Jobs are listed with their summaries: a row comes of two states. */
export interface JobEndpoint extends Endpoint {
  readonly table: 'job';
  /**
   * The complete objects that a filter looks at, by the keys of their rows. They are read after the rows: of one that has gone meanwhile there is none,
   * and its row is left out.
   */
  readonly objects: (rows: readonly DocumentRow[]) => Promise<ReadonlyMap<string, object>>;
  /** The texts to be listed, in the same way. */
  readonly texts: (rows: readonly DocumentRow[]) => Promise<ReadonlyMap<string, string>>;
}

/** A list endpoint: where its rows come from, and how they are shown. */
export type ListEndpoint = KeptEndpoint | JobEndpoint;

interface Keyed {
  readonly createIndex: Index;
  readonly id: string;
  readonly namespace: string;
}

/** A row that can be paged: Nomad's key of the list it is in. */
export type ListedRow = DocumentRow & Keyed;

export function listed(row: DocumentRow): ListedRow {
  const slash = row.key.indexOf('/');
  return {
    ...row,
    createIndex: Number(row.create_index),
    id: slash < 0 ? row.key : row.key.slice(slash + 1),
    namespace: slash < 0 ? '' : row.key.slice(0, slash),
  };
}

export const keyingOf = <R extends Keyed>(order: ListQuery['order']): Keying<R> =>
  order === 'job' ? byNamespaceAndId : order === 'created' ? byCreateIndexAndId : byId;

export const orderOf = (table: TableName, prefix: string): ListQuery['order'] =>
  table === 'job' ? 'job' : prefix === '' && table !== 'node' ? 'created' : 'key';

/** Where a page starts, as the database finds it. */
export function startOf(order: ListQuery['order'], token: string): Pick<ListQuery, 'from'> {
  if (token === '') return {};
  if (order === 'key') return { from: { key: token } };
  if (order === 'job') {
    const parsed = parseNamespaceToken(token);
    return { from: parsed === undefined ? { text: token } : { namespace: parsed.namespace, key: parsed.id } };
  }
  const parsed = parseCreateIndexToken(token);
  if (parsed === undefined) return { from: { text: token } };
  return { from: { createIndex: Math.min(Number(parsed.createIndex), Number.MAX_SAFE_INTEGER), key: parsed.id } };
}

/** Where a row stands, for a look that begins with it. */
export const placeOf = (
  order: ListQuery['order'],
  { key, createIndex, namespace, id }: ListedRow,
): NonNullable<ListQuery['from']> =>
  order === 'created' ? { createIndex, key } : order === 'job' ? { namespace, key: id } : { key };

/** With the equalities that a filter asks for beside those that hold anyway: one does not replace the other. */
export function narrowed(held: ListQuery['where'], wanted: Readonly<Record<string, string>>): ListQuery['where'] {
  const isExcluded = (column: string, value: string): boolean => {
    const present = ownProperty(held, column);
    return present !== undefined && !(Array.isArray(present) ? present.includes(value) : present === value);
  };
  const narrow = Object.entries(wanted).map(([column, value]) => [column, isExcluded(column, value) ? [] : value]);
  return { ...held, ...(Object.fromEntries(narrow) as ListQuery['where']) };
}

/** Whether a filter looks at nothing but these fields. */
export function readsOnly(expression: Expression, fields: ReadonlySet<string>): boolean {
  switch (expression.kind) {
    case 'and':
    case 'or':
      return expression.operands.every((operand) => readsOnly(operand, fields));
    case 'not':
      return readsOnly(expression.operand, fields);
    case 'match': {
      const [field, ...deeper] = expression.selector.path;
      return field !== undefined && deeper.length === 0 && fields.has(field);
    }
    case 'collection':
      return false;
  }
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
