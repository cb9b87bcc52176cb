import { PostgresEventStore } from '@app/event-store';
import {
  allocationStream,
  deploymentStream,
  evaluationStream,
  jobStream,
  nodeStream,
  streamKey,
  type StreamName,
} from '@app/kernel';
import { StartupError } from '@app/platform';
import { Client } from 'pg';
import { withLog } from './database.js';
import { storyEvent, storyLines } from './story.js';

const FIRST_VERSION = 1;
const SHOWN_CANDIDATES = 5;

/** What has a history of its own. */
export const HISTORY_TYPES = ['deployment', 'allocation', 'job', 'evaluation', 'node'] as const;
type HistoryType = (typeof HISTORY_TYPES)[number];

const STREAMS: Readonly<Record<HistoryType, (id: string, namespace: string) => StreamName>> = {
  deployment: deploymentStream,
  allocation: allocationStream,
  evaluation: evaluationStream,
  node: nodeStream,
  job: (id, namespace) => jobStream(namespace, id),
};

/** `ops history <type> <id>`: the story of one object. The beginning of an id will do if it is the only one. */
export const runHistory = (type: string, id: string, namespace: string): Promise<void> =>
  withLog(async (url) => {
    if (!isHistoryType(type))
      throw new StartupError(`there is no history of ${type}; there is one of ${HISTORY_TYPES.join(', ')}.`);
    const stream = await findStream(url, type, id, STREAMS[type](id, namespace));
    const store = new PostgresEventStore({ url, poolSize: 1 });
    try {
      const events = await store.readStream(stream, FIRST_VERSION);
      process.stdout.write(`${storyLines(events.map(storyEvent)).join('\n')}\n`);
    } finally {
      await store.close();
    }
  });

const isHistoryType = (type: string): type is HistoryType => HISTORY_TYPES.some((one) => one === type);

async function findStream(url: string, type: HistoryType, id: string, stream: StreamName): Promise<StreamName> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ stream: StreamName }>(
      'SELECT stream FROM stream WHERE starts_with(stream, $1) ORDER BY stream LIMIT $2',
      [stream, SHOWN_CANDIDATES + 1],
    );
    const exact = rows.find((row) => row.stream === stream);
    if (exact !== undefined) return exact.stream;
    if (rows.length === 1) return rows[0]!.stream;
    if (rows.length === 0) throw new StartupError(`there is no ${type} ${id}.`);
    const names = rows.map((row) => streamKey(row.stream)).slice(0, SHOWN_CANDIDATES);
    throw new StartupError(`several begin with ${id}: ${names.join(', ')}${rows.length > names.length ? ' …' : ''}.`);
  } finally {
    await client.end();
  }
}
