import type { PastLog } from '@app/event-store';
import type { Index } from '@app/kernel';
import { LRUCache } from 'lru-cache';
import { TABLES_OF } from '../project.js';

/** Moments that are kept: a page asks for many things as of the same one. */
const KEPT = 1000;

/** When each table had last moved, at any index. */
export class PastMoments {
  private readonly kept = new LRUCache<Index, ReadonlyMap<string, Index>>({ max: KEPT });

  constructor(private readonly log: Pick<PastLog, 'lastOfTypes'>) {}

  /** The last commit up to an index that touched each table; tables that none had touched are absent. */
  async tablesAt(index: Index): Promise<ReadonlyMap<string, Index>> {
    const known = this.kept.get(index);
    if (known !== undefined) return known;
    const types = await this.log.lastOfTypes(index);
    const tables = new Map<string, Index>();
    for (const [type, touched] of Object.entries(TABLES_OF))
      for (const table of types.has(type) ? touched : [])
        tables.set(table, Math.max(types.get(type)!, tables.get(table) ?? 0));
    this.kept.set(index, tables);
    return tables;
  }
}
