import {
  endsPart,
  PART,
  type EventMatch,
  type EventStore,
  type LogSearch,
  type PastLog,
  type Position,
} from '@app/event-store';
import {
  isoFromUs,
  NAMESPACED_TYPES,
  streamKey,
  streamType,
  type Index,
  type StreamName,
  type TimeUs,
} from '@app/kernel';
import type { ReadModels } from '@app/read-models';
import type { EventsSeen } from '../acl/events-seen.js';
import { denied } from '../acl/access.js';
import { NomadError } from '../http/index.js';
import { renderEvent } from '../operator/render-event.js';
import { tokenOfPosition, type DensityQuery, type EventsQuery, type PageQuery } from './events-query.js';

/** Events that are read, and sent, at a time. */
const AT_ONCE = 100;
/** How often a page asks the log and gets less than it has room for: what is hard to find comes on several pages. */
const MOST_SHORT_READS = 4;
/** Streams that are merged. */
const MOST_STREAMS = 10_000;
/** Above so many parts of the log, buckets end where parts do. */
const EXACT_PARTS = 64;

type Store = Pick<EventStore, 'readHead'> & Pick<PastLog, 'indexAt'> & LogSearch;

/** The commits that are asked about. */
interface Ends {
  readonly low: Index;
  readonly high: Index;
  readonly head: Index;
}

const line = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

/** The events of the log, as those see them who ask. */
export class Ledger {
  constructor(
    private readonly store: Store,
    private readonly readModels: Pick<ReadModels, 'streamsRelatedTo'>,
  ) {}

  /** A page: a line for each event, and at last one that says where the next page begins, and what was not to be seen. */
  async *page(query: PageQuery, seen: EventsSeen): AsyncGenerator<Buffer, void, undefined> {
    const { descending, limit } = query;
    const { low, high, head } = await this.endsOf(query);
    const match = await this.matchOf(query, seen);
    let from = query.from;
    let left = limit;
    for (let shortReads = 0; ;) {
      const wanted = Math.min(left, AT_ONCE);
      const found = await this.store.search(match, { low, high, descending, from }, wanted);
      const shown = found.events.filter(({ stream, namespace }) => seen.sees(streamType(stream), namespace));
      left -= shown.length;
      from = found.reached;
      if (shown.length > 0) yield Buffer.concat(shown.map((event) => line(render(event))));
      if (shown.length < wanted) shortReads++;
      if (from === undefined || left === 0 || shortReads === MOST_SHORT_READS) break;
    }
    const hidden = await this.hiddenIn(match, seen, covered({ low, high }, descending, query.from, from));
    yield line({ Next: from === undefined ? '' : tokenOfPosition(from), Hidden: hidden, Index: head });
  }

  /** How many events there are, over the commits or over the time. */
  async density(query: DensityQuery, seen: EventsSeen): Promise<object> {
    const { low, high, head } = await this.endsOf(query);
    const match = await this.matchOf(query, seen);
    const { edges, times } = await this.edgesOf(query, low, high);
    const [{ tallies, isComplete }, hidden, ends] = await Promise.all([
      this.store.count(match, edges, !seen.isEverything),
      this.hiddenIn(match, seen, [low - 1, high]),
      this.store.timesOf([...new Set(edges.flatMap((edge) => [edge, edge + 1]))]),
    ]);
    const events = edges.slice(1).map(() => 0);
    for (const one of tallies)
      if (seen.isEverything || seen.sees(one.kind, one.namespace)) events[one.bucket]! += one.events;
    const timeOf = (time: TimeUs | undefined): string | null => (time === undefined ? null : isoFromUs(time));
    return {
      Index: head,
      Events: events.reduce((sum, one) => sum + one, 0),
      Hidden: hidden,
      Complete: isComplete,
      Buckets: events.map((number, at) => ({
        Low: edges[at]! + 1,
        High: edges[at + 1]!,
        From: timeOf(times?.[at] ?? ends.get(edges[at]! + 1)),
        To: timeOf(times?.[at + 1] ?? ends.get(edges[at + 1]!)),
        Events: number,
      })),
    };
  }

  private async endsOf({ after, before }: EventsQuery): Promise<Ends> {
    const { index: head } = await this.store.readHead();
    // A time stands for the first commit that is later than it, or not earlier.
    const low =
      after === undefined ? 1 : 1 + ('index' in after ? after.index : (await this.store.indexAt(after.time)).index);
    const high =
      before === undefined
        ? head
        : 'index' in before
          ? before.index - 1
          : (await this.store.indexAt(before.time - 1)).index;
    return { low, high: Math.min(high, head), head };
  }

  /** @throws NomadError (403) for an object that may not be seen, as far as its name says so; (400) for a job of too many */
  private async matchOf({ match, related }: EventsQuery, seen: EventsSeen): Promise<EventMatch> {
    for (const stream of match.streams ?? []) if (!mayBeSeen(stream, seen)) throw denied();
    if (related === undefined) return match;
    const streams = await this.readModels.streamsRelatedTo(related, MOST_STREAMS);
    if (streams.length === MOST_STREAMS)
      throw new NomadError(`${related} has more to it than can be merged (${MOST_STREAMS}): ask about its parts`, 400);
    return { ...match, streams: [related, ...streams] };
  }

  /** Events between two commits that may not be seen, whatever is asked for; what asks about objects by name is told of none. */
  private async hiddenIn(
    { streams }: EventMatch,
    { isEverything, sees }: EventsSeen,
    [above, high]: readonly [Index, Index],
  ): Promise<number> {
    if (isEverything || streams !== undefined || high <= above) return 0;
    const { tallies } = await this.store.count({}, [above, high], true);
    return tallies.reduce((sum, { kind, namespace, events }) => (sees(kind, namespace) ? sum : sum + events), 0);
  }

  /** Where buckets end, and, of those over the time, at what times. */
  private async edgesOf({ buckets, byTime }: DensityQuery, low: Index, high: Index) {
    if (low > high) return { edges: [low - 1], times: undefined };
    const rounded = (edge: Index): Index => {
      if (high - low <= EXACT_PARTS * PART || endsPart(edge)) return edge;
      return Math.max(low - 1, edge - (edge % PART) - 1);
    };
    const parts = (from: number, to: number): number[] =>
      Array.from({ length: buckets + 1 }, (_, at) => Math.floor(from + ((to - from) * at) / buckets));
    if (!byTime) {
      const inner = parts(low - 1, high)
        .slice(1, -1)
        .map(rounded);
      return { edges: [...new Set([low - 1, ...inner, high])], times: undefined };
    }
    const known = await this.store.timesOf([low, high]);
    const times = parts(known.get(low)!, Math.max(known.get(low)!, known.get(high)!));
    const edges = [low - 1];
    for (const time of times.slice(1, -1)) {
      const { index } = await this.store.indexAt(time);
      edges.push(Math.min(high, Math.max(edges.at(-1)!, rounded(index))));
    }
    return { edges: [...edges, high], times };
  }
}

const render = (event: Parameters<typeof renderEvent>[0] & { readonly namespace: string }): object => ({
  ...renderEvent(event),
  Seq: event.seq,
  About: event.stream,
  Namespace: event.namespace,
});

/** Of an object whose name has its namespace the name tells; of others only whether there may be any to see. */
function mayBeSeen(stream: StreamName, { sees, mayAsk }: EventsSeen): boolean {
  const kind = streamType(stream);
  if (NAMESPACED_TYPES.has(kind)) return sees(kind, streamKey(stream).split('/')[0]!);
  return mayAsk(kind);
}

/** After which commit, and up to which, a page has told of everything. A commit within which it ends counts on the page where it does. */
function covered(
  { low, high }: { readonly low: Index; readonly high: Index },
  descending: boolean,
  from: Position | undefined,
  to: Position | undefined,
): readonly [Index, Index] {
  const begun = (position: Position): boolean => position.seq !== undefined;
  if (descending)
    return [
      to === undefined ? low - 1 : begun(to) ? to.index : to.index - 1,
      from === undefined ? high : Math.min(high, begun(from) ? from.index : from.index - 1),
    ];
  return [
    from === undefined ? low - 1 : Math.max(low - 1, begun(from) ? from.index - 1 : from.index),
    to === undefined ? high : begun(to) ? to.index - 1 : to.index,
  ];
}
