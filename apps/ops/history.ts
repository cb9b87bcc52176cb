import { EVENT_TYPES } from '@app/domain';
import { PostgresEventStore, type EventMatch, type FoundEvent, type Position, type Span } from '@app/event-store';
import {
  allocationStream,
  deploymentStream,
  evaluationStream,
  jobStream,
  nodeStream,
  STREAM_TYPES,
  streamKey,
  type StreamName,
} from '@app/kernel';
import { StartupError } from '@app/platform';
import { streamsRelatedTo } from '@app/read-models';
import type { Client } from 'pg';
import { withClient, withLog } from './database.js';
import { storyEvent, storyLines } from './story.js';

const SHOWN_CANDIDATES = 5;
/** Events that are read, and aligned, at a time. */
const AT_ONCE = 500;
/** Objects whose stories are told as one. */
const MOST_STREAMS = 10_000;

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

/** What is told of everything that happened. */
export interface HistoryOptions {
  /** Of a job. */
  readonly namespace: string;
  /** With what belongs to the job or deployment. */
  readonly related?: true;
  readonly kind?: readonly string[];
  readonly event?: readonly string[];
  readonly actor?: string;
  /** Words, each the beginning of one in the reason. */
  readonly reason?: string;
  /** Commits after this one. */
  readonly after: number;
  /** Commits before this one. */
  readonly before: number;
  /** No more than the last so many. */
  readonly last?: number;
}

/** `ops history [type id]`: the story of one object, or of everything. The beginning of an id will do if it is the only one. */
export const runHistory = (type: string | undefined, id: string | undefined, options: HistoryOptions): Promise<void> =>
  withLog(async (url) => {
    const { kind, event, actor, reason, after, before, last } = options;
    requireKnown('kind', kind, new Set(STREAM_TYPES));
    requireKnown('event', event, EVENT_TYPES);
    const streams = await streamsOf(url, type, id, options);
    const match: EventMatch = {
      ...(streams && { streams }),
      ...(kind && { kinds: kind }),
      ...(event && { types: event }),
      ...(actor !== undefined && { actor }),
      ...(reason !== undefined && { reason }),
    };
    const store = new PostgresEventStore({ url, poolSize: 1 });
    const isOfOne = streams?.length === 1;
    const print = (events: readonly FoundEvent[]): void => {
      const told = events.map((one) => ({ ...storyEvent(one), ...(!isOfOne && { about: one.stream }) }));
      if (told.length > 0) process.stdout.write(`${storyLines(told).join('\n')}\n`);
    };
    try {
      const { index: head } = await store.readHead();
      const ends = { low: after + 1, high: Math.min(head, before - 1) };
      if (last === undefined) for await (const page of pages(store, match, { ...ends, descending: false })) print(page);
      else print(await newest(store, match, ends, last));
    } finally {
      await store.close();
    }
  });

async function* pages(store: PostgresEventStore, match: EventMatch, span: Span): AsyncGenerator<readonly FoundEvent[]> {
  let from: Position | undefined;
  do {
    const { events, reached } = await store.search(match, { ...span, from }, AT_ONCE);
    yield events;
    from = reached;
  } while (from !== undefined);
}

/** In the order of the log. */
async function newest(
  store: PostgresEventStore,
  match: EventMatch,
  ends: { readonly low: number; readonly high: number },
  count: number,
): Promise<readonly FoundEvent[]> {
  const found: FoundEvent[] = [];
  for await (const page of pages(store, match, { ...ends, descending: true })) {
    found.push(...page.slice(0, count - found.length));
    if (found.length === count) break;
  }
  return found.reverse();
}

function requireKnown(name: string, given: readonly string[] | undefined, known: ReadonlySet<string>): void {
  for (const one of given ?? [])
    if (!known.has(one)) throw new StartupError(`there is no ${name} ${one}; there are ${[...known].join(', ')}.`);
}

/** The streams that are asked about; undefined: all. */
async function streamsOf(
  url: string,
  type: string | undefined,
  id: string | undefined,
  { namespace, related }: HistoryOptions,
): Promise<readonly StreamName[] | undefined> {
  if (type === undefined) {
    if (related) throw new StartupError('--related tells what belongs to one job or deployment.');
    return undefined;
  }
  if (!isHistoryType(type))
    throw new StartupError(`there is no history of ${type}; there is one of ${HISTORY_TYPES.join(', ')}.`);
  if (id === undefined) throw new StartupError(`which ${type}? Name its id.`);
  return withClient(url, async (client) => {
    const stream = await findStream(client, type, id, STREAMS[type](id, namespace));
    if (!related) return [stream];
    if (type !== 'job' && type !== 'deployment')
      throw new StartupError('--related tells what belongs to one job or deployment.');
    const ask = async <T>(text: string, values: unknown[]): Promise<T[]> =>
      (await client.query(text, values)).rows as T[];
    const others = await streamsRelatedTo(ask, stream, MOST_STREAMS);
    if (others.length === MOST_STREAMS)
      throw new StartupError(`${type} ${id} has more to it than can be told as one (${MOST_STREAMS} objects).`);
    return [stream, ...others];
  });
}

const isHistoryType = (type: string): type is HistoryType => HISTORY_TYPES.some((one) => one === type);

async function findStream(client: Client, type: HistoryType, id: string, stream: StreamName): Promise<StreamName> {
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
}
