import { Client } from 'pg';

/** A column of the database, and all that is in it. */
export interface Column {
  /** `<table>.<column>` */
  readonly name: string;
  readonly text: string;
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Every column of every table, as text; bytes are hexadecimal digits. Partitions are read by their parent. */
export async function columnsOf(databaseUrl: string): Promise<Column[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ table: string; column: string }>(
      `SELECT c.relname AS table, a.attname AS column FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relkind IN ('r', 'p')
          AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, a.attnum`,
    );
    const columns: Column[] = [];
    for (const { table, column } of rows) {
      const found = await client.query<{ text: string | null }>(`SELECT "${column}"::text AS text FROM "${table}"`);
      columns.push({ name: `${table}.${column}`, text: found.rows.map(({ text }) => text ?? '').join('\n') });
    }
    return columns;
  } finally {
    await client.end();
  }
}

/** What events of the log hold in these members, texts of some length only: `<type>.<member>`, once for each value. */
export async function membersOf(
  databaseUrl: string,
  members: ReadonlyMap<string, readonly string[]>,
): Promise<Map<string, readonly string[]>> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const found = new Map<string, readonly string[]>();
    for (const [type, names] of members)
      for (const name of names) {
        const { rows } = await client.query<{ value: unknown }>(
          'SELECT data -> $2 AS value FROM event WHERE type = $1 AND (data -> $2) IS NOT NULL',
          [type, name],
        );
        const texts = rows.flatMap(({ value }) => textsIn(value)).filter((text) => text.length >= 12);
        found.set(`${type}.${name}`, [...new Set(texts)]);
      }
    return found;
  } finally {
    await client.end();
  }
}

function textsIn(value: unknown): string[] {
  if (isText(value)) return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** Every stream there is: `<type>/<key>`. */
export async function streamsOf(databaseUrl: string): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<{ stream: string }>('SELECT stream FROM stream ORDER BY stream')).rows.map(
      ({ stream }) => stream,
    );
  } finally {
    await client.end();
  }
}
