import { ownProperty } from '@app/kernel';
import type { DocumentRow } from '../entities.js';

/** A row as it was. */
export interface PastRow extends DocumentRow {
  readonly columns: Readonly<Record<string, unknown>>;
}

export const textIn = (row: PastRow, column: string): string => String(ownProperty(row.columns, column));

/** A bigint comes as text from the database. */
export const numberIn = (row: PastRow, column: string): number => Number(ownProperty(row.columns, column));
