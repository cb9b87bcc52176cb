import { createMigratedDatabase, type TestDatabase } from '@app/testing';
import { DataSource } from 'typeorm';
import { listBuilder, type ListQuery } from './list-query.js';

jest.setTimeout(60_000);

const ROWS = 20_000;
const PAGE = 50;
/** Of these few are in the namespace `rare`, the last of all. */
const FILLED = ['allocation', 'deployment', 'evaluation'] as const;
const JOBS = 200;

/** What a node of a plan says that it did. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

const id = (n: string): string =>
  `lpad(to_hex(((${n}) * 2654435761::bigint) % 4294967296), 8, '0') || '-0000-4000-8000-' || lpad((${n})::text, 12, '0')`;

describe('A page of a list', () => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createMigratedDatabase();
    dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
    for (const table of FILLED) {
      const columns: { name: string; type: string }[] = await dataSource.query(
        `SELECT column_name AS name, data_type AS type FROM information_schema.columns WHERE table_name = '${table}'`,
      );
      const values = columns.map(({ name, type }) => {
        if (name === 'id') return id('n');
        if (name === 'namespace') return `CASE WHEN n > ${ROWS - 500} THEN 'rare' ELSE 'default' END`;
        if (name === 'job_id') return `'job-' || n % ${JOBS}`;
        if (name === 'create_index') return 'n';
        if (name === 'client_status') return `(ARRAY['running', 'complete'])[1 + n % 2]`;
        if (name.endsWith('_id')) return id(`n % ${JOBS}`);
        return type === 'bigint' ? 'n' : `'{}'`;
      });
      await dataSource.query(
        `INSERT INTO ${table} (${columns.map(({ name }) => name).join()}) SELECT ${values.join()} FROM generate_series(1, ${ROWS}) AS n`,
      );
    }
    await dataSource.query(
      `INSERT INTO job (key, namespace, job_id, type, status, stop, parent_id, create_index, modify_index, document)
       SELECT s || '/job-' || lpad(n::text, 5, '0'), s, 'job-' || lpad(n::text, 5, '0'), 'service', 'running', false, '', n, n, '{}'
         FROM generate_series(1, 5000) AS n, unnest(ARRAY['default', 'rare']) AS s`,
    );
    await dataSource.query('ANALYZE');
  });
  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  /** How many rows of its table a query has looked at, in all, and by which indexes. */
  const lookedAt = async (query: ListQuery): Promise<{ readonly rows: number; readonly by: readonly string[] }> => {
    const [sql, parameters] = listBuilder(dataSource.createQueryBuilder(), query).getQueryAndParameters();
    const [answer]: { 'QUERY PLAN': [{ Plan: PlanNode }] }[] = await dataSource.query(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`,
      parameters,
    );
    const nodes: PlanNode[] = [];
    const walk = (node: PlanNode): void => {
      nodes.push(node);
      node.Plans?.forEach(walk);
    };
    walk(answer!['QUERY PLAN'][0].Plan);
    const scans = nodes.filter((node) => node['Relation Name'] === query.table);
    const rows = scans.reduce(
      (sum, node) => sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
      0,
    );
    return {
      rows,
      by: nodes.flatMap(
        (node) =>
          node['Index Name'] ??
          (node['Node Type'] === 'Seq Scan' && node['Relation Name'] === query.table ? 'none' : []),
      ),
    };
  };

  const ofTables = (make: (table: (typeof FILLED)[number]) => Partial<ListQuery>): ListQuery[] =>
    FILLED.map((table) => ({ table, where: {}, order: 'created', limit: PAGE + 1, ...make(table) }));
  const middle = { createIndex: ROWS / 2, key: '8' };

  const SHAPES: readonly (readonly [string, readonly ListQuery[]])[] = [
    ['the first', ofTables(() => ({}))],
    ['the first of a namespace', ofTables(() => ({ where: { namespace: 'default' } }))],
    ['the first of a namespace with few rows, which are the last', ofTables(() => ({ where: { namespace: 'rare' } }))],
    ['the last', ofTables(() => ({ reverse: true }))],
    ['one from the middle', ofTables(() => ({ from: middle }))],
    ['one from the middle of a namespace', ofTables(() => ({ where: { namespace: 'default' }, from: middle }))],
    ['one from the middle, backwards', ofTables(() => ({ from: middle, reverse: true }))],
    ['the first of a prefix', ofTables(() => ({ order: 'key', prefix: { column: 'id', value: 'ab' } }))],
    [
      'one from the middle of a prefix',
      ofTables(() => ({ order: 'key', prefix: { column: 'id', value: 'a' }, from: { key: 'a8' } })),
    ],
    ['the first of a job', ofTables(() => ({ where: { namespace: 'default', job_id: 'job-7' } }))],
    ['one with a token that is none', ofTables(() => ({ from: { text: '1' } }))],
    [
      'jobs',
      [
        { table: 'job', where: {}, order: 'job', limit: PAGE + 1 },
        { table: 'job', where: { namespace: 'rare' }, order: 'job', limit: PAGE + 1 },
        { table: 'job', where: {}, order: 'job', reverse: true, limit: PAGE + 1 },
        { table: 'job', where: {}, order: 'job', from: { namespace: 'rare', key: 'job-02500' }, limit: PAGE + 1 },
        {
          table: 'job',
          where: { namespace: 'rare' },
          order: 'job',
          from: { namespace: 'rare', key: 'job-02500' },
          limit: PAGE + 1,
        },
        {
          table: 'job',
          where: { namespace: 'default' },
          order: 'job',
          prefix: { column: 'job_id', value: 'job-042' },
          limit: PAGE + 1,
        },
      ],
    ],
  ];

  test.each(SHAPES)('is found by an index, without a look at what is not on it: %s', async (_name, queries) => {
    for (const query of queries) {
      const { rows, by } = await lookedAt(query);
      expect([query.table, query.where, by.length > 0, by.includes('none')]).toEqual([
        query.table,
        query.where,
        true,
        false,
      ]);
      expect([query.table, query.where, Math.min(rows, 3 * PAGE)]).toEqual([query.table, query.where, rows]);
    }
  });

  test.each(['allocation', 'evaluation', 'deployment'] as const)(
    'of the rows of one job only these are read: %s',
    async (table) => {
      for (const where of [{ namespace: 'default', job_id: 'job-7' }, { job_id: 'job-7' }]) {
        const { rows, by } = await lookedAt({ table, where, order: 'key' });
        expect([where, by.includes('none')]).toEqual([where, false]);
        expect(rows).toBeLessThanOrEqual(ROWS / JOBS);
      }
    },
  );

  test.each(['deployment_id', 'eval_id', 'node_id'])(
    'of the allocations of one only these are read: %s',
    async (column) => {
      const [{ value }] = await dataSource.query<[{ value: string }]>(`SELECT ${id('7')} AS value`);
      const { rows, by } = await lookedAt({ table: 'allocation', where: { [column]: value }, order: 'key' });
      expect(by.includes('none')).toBe(false);
      expect(rows).toBe(ROWS / JOBS);
    },
  );
});
