import type { DataSource } from 'typeorm';
import type { DocumentRow } from './entities.js';

/** A variable as lists find it; `document`: its metadata. */
export interface VariableRow extends DocumentRow {
  readonly namespace: string;
  readonly path: string;
}

/** Look-ups of variables. */
export class Variables {
  constructor(private readonly dataSource: DataSource) {}

  /** In order of namespace and path, bytewise. */
  async list(query: {
    /** `*`: all. */
    readonly namespace: string;
    readonly prefix: string;
    /** Where to begin. */
    readonly from?: { readonly namespace: string; readonly path: string };
    readonly limit?: number;
  }): Promise<VariableRow[]> {
    const { namespace, prefix, from, limit } = query;
    return this.dataSource.query(
      `SELECT key, create_index, document, namespace, path FROM variable
        WHERE $1 IN ('*', namespace) AND starts_with(path, $2) AND (namespace, path) >= ($3, $4)
        ORDER BY namespace, path LIMIT $5`,
      [namespace, prefix, from?.namespace ?? '', from?.path ?? '', limit ?? null],
    );
  }

  /** Variables that are encrypted by one of these keys, some of them, in order of their key; `after`: where the last look ended. */
  async encryptedBy(
    keyIds: readonly string[],
    after: string,
    limit: number,
  ): Promise<readonly { readonly key: string; readonly namespace: string; readonly path: string }[]> {
    return this.dataSource.query(
      'SELECT key, namespace, path FROM variable WHERE key_id = ANY($1) AND key > $2 ORDER BY key LIMIT $3',
      [keyIds, after, limit],
    );
  }

  /** Whether a root key is needed: variables are encrypted by it, or allocations that run have identities signed by it. */
  async isKeyInUse(keyId: string): Promise<boolean> {
    const rows: unknown[] = await this.dataSource.query(
      `SELECT 1 FROM variable WHERE key_id = $1
       UNION ALL
       SELECT 1 FROM allocation a JOIN stream s ON s.stream = 'allocation/' || a.id
        WHERE a.client_status NOT IN ('complete', 'failed', 'lost') AND s.state::json->>'signingKeyId' = $1
       LIMIT 1`,
      [keyId],
    );
    return rows.length > 0;
  }
}
