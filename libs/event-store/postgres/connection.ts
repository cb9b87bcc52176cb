import { Socket } from 'node:net';
import { parseExact } from '@app/kernel';
import { Client, types, type ClientConfig, type CustomTypesConfig } from 'pg';
import { CONNECT_TIMEOUT_MS, QUERY_TIMEOUT_MS, STATEMENT_TIMEOUT_MS } from '../limits.js';

const INT8 = 20;
const JSON_TEXT = 114;

const PARSERS = new Map<number, (text: string) => unknown>([
  [INT8, Number],
  [JSON_TEXT, parseExact],
]);
/** How columns become values. bigint columns hold indexes and counts, which are safe integers; json columns the data of events, whose numbers stay as they were sent. */
export const columnTypes: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text') =>
    PARSERS.get(oid) ?? (types.getTypeParser(oid, format) as unknown)) as CustomTypesConfig['getTypeParser'],
};

/** What all connections of the store have in common: every wait is bounded, here and in the server. */
export const connectionConfig = (url: string): ClientConfig => ({
  connectionString: url,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  statement_timeout: STATEMENT_TIMEOUT_MS,
  query_timeout: QUERY_TIMEOUT_MS,
  keepAlive: true,
  application_name: 'rollbook',
  types: columnTypes,
  // A prepared statement keeps its plan. One made while a table was nearly empty would go on scanning it when it is not any more.
  options: '-c enable_seqscan=off -c jit=off',
});

/** A connection of its own, which can also be dropped when the server does not answer any more. */
export interface Connection {
  readonly client: Client;
  /** Ends it at once, without waiting for the server. */
  drop(): void;
}

/** @throws the driver's error if no connection can be had in time. */
export async function connect(url: string, timeoutMs = CONNECT_TIMEOUT_MS): Promise<Connection> {
  const socket = new Socket();
  const client = new Client({
    ...connectionConfig(url),
    connectionTimeoutMillis: Math.ceil(timeoutMs),
    stream: () => socket,
  });
  const drop = (): void => {
    socket.destroy();
  };
  // Without a listener a lost connection would end the process; whoever uses the client notices by its query failing.
  client.on('error', drop);
  try {
    await client.connect();
  } catch (error) {
    drop();
    throw error;
  }
  return { client, drop };
}
