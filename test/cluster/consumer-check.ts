import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { NomadObject } from '@app/consumer';
import { Client } from 'pg';
import { getJson, until, type Stack } from './stack.js';

const CATCH_UP_BOUND_MS = 60_000;

/** What examples/consumer has stored. */
interface StoredTable {
  readonly events: number;
  readonly deployments: Readonly<Record<string, NomadObject>>;
}

/** The consumer follows a log that may still grow, so its table is looked at until it is what the API shows; `problems` are those of the last look. */
export async function checkConsumer(
  stack: Stack,
  file: string,
): Promise<{ readonly deployments: number; readonly events: number; readonly problems: readonly string[] }> {
  let found = { deployments: 0, events: 0, problems: ['it has stored no table'] };
  await until('the consumer to catch up', CATCH_UP_BOUND_MS, async () => {
    stack.consumer?.start();
    found = compared(
      JSON.parse(readFileSync(file, 'utf8')) as StoredTable,
      await getJson<NomadObject[]>(`${stack.balancer.url}/v1/deployments`),
      await eventsInLog(stack.databaseUrl()),
    );
    return found.problems.length === 0;
  }).catch(() => undefined);
  return found;
}

function compared(
  table: StoredTable,
  shown: readonly NomadObject[],
  logged: number,
): { deployments: number; events: number; problems: string[] } {
  const ids = Object.keys(table.deployments);
  const problems = shown
    .filter((deployment) => !isDeepStrictEqual(table.deployments[String(deployment['ID'])], deployment))
    .map((deployment) => `deployment ${String(deployment['ID'])} differs`);
  if (ids.length !== shown.length) problems.push(`the consumer has ${ids.length} deployments, the API ${shown.length}`);
  if (table.events !== logged) problems.push(`the consumer has counted ${table.events} events, the log has ${logged}`);
  return { deployments: ids.length, events: table.events, problems };
}

async function eventsInLog(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM event');
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}
