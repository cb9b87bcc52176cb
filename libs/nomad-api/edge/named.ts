import { createHash } from 'node:crypto';
import type { Index } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { Moment, Query as DataQuery } from '@app/streaming';
import { compareBytes } from '../http/index.js';
import { jsonAnswer, notFound } from './reads.js';

/** An object that is found by its name. */
export interface Named {
  readonly name: string;
  readonly text: string;
  readonly index: Index;
}

/** A table of named objects, with those that are there without anybody having made them. */
export interface NamedTable {
  readonly table: 'namespace' | 'node_pool';
  readonly builtIn: readonly Named[];
  readonly missing: string;
}

/** No index is 0, and nothing came before this. */
const FIRST_INDEX = 1;

/** Namespaces and node pools: few, and looked up by their name. */
export class NamedObjects {
  constructor(private readonly readModels: ReadModels) {}

  /** All of them, by name bytewise; one that is stored takes the place of the built-in one. */
  async all({ table, builtIn }: NamedTable): Promise<Named[]> {
    const rows = await this.readModels.list({ table, where: {}, order: 'key' });
    const stored = rows.map(({ key, document, create_index }) => ({
      name: key,
      text: document,
      index: Number(create_index),
    }));
    const names = new Set(stored.map(({ name }) => name));
    return [...stored, ...builtIn.filter(({ name }) => !names.has(name))].sort((a, b) => compareBytes(a.name, b.name));
  }

  /** A list of them; its index is the table's. `choose` cuts what is shown, and says where the next page begins. */
  list(
    table: NamedTable,
    variant: string,
    choose: (all: readonly Named[]) => { readonly rows: readonly Named[]; readonly nextToken?: string },
  ): DataQuery {
    return {
      key: JSON.stringify([table.table, 'list', variant]),
      topics: [`table:${table.table}`],
      load: async (moment) => {
        const { rows, nextToken } = choose(await this.all(table));
        return jsonAnswer(`[${rows.map(({ text }) => text).join(',')}]`, indexOf(table, moment), nextToken);
      },
    };
  }

  /** One of them, with its own index; the table's when it is missing. */
  one(table: NamedTable, name: string): DataQuery {
    return {
      key: `${table.table}/${name}`,
      topics: [`table:${table.table}`],
      load: async (moment) => {
        const row = await this.readModels.named(table.table, name);
        const found = row === undefined ? table.builtIn.find((one) => one.name === name) : undefined;
        if (row !== undefined) return jsonAnswer(row.document, row.index);
        if (found !== undefined) return jsonAnswer(found.text, found.index);
        return notFound(table.missing, indexOf(table, moment));
      },
    };
  }

  async has({ table, builtIn }: NamedTable, name: string): Promise<boolean> {
    return builtIn.some((one) => one.name === name) || (await this.readModels.named(table, name)) !== undefined;
  }
}

const indexOf = ({ table }: NamedTable, moment: Moment): Index => Math.max(FIRST_INDEX, moment.tableIndex(table));

/** What tells two definitions apart: base64, as Nomad shows its own. */
export const definitionHash = (definition: object): string =>
  createHash('sha256').update(JSON.stringify(definition)).digest('base64');
