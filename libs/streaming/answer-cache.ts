import { LRUCache } from 'lru-cache';
import type { Index } from '@app/kernel';
import type { Body } from './chunks.js';
import type { LogTail, Moment, Topic } from './log-tail.js';

/** A rendered answer: ready to be sent, and the index that it reports. */
export interface Answer {
  readonly status: number;
  readonly index: Index;
  readonly body: Body;
  /** `X-Nomad-NextToken`, when another page exists. */
  readonly nextToken?: string;
  /** Whose the object is, where who asks must be allowed to see it. */
  readonly namespace?: string;
}

/** How an answer is made, and what makes it stale. */
export interface Query {
  /** Equal keys have equal answers. */
  readonly key: string;
  readonly topics: readonly Topic[];
  /** What a 404 depends on, where that is more than `topics`; such an answer is not kept. */
  readonly missTopics?: readonly Topic[];
  /**
   * Reads the content. `moment` was taken before: an answer's index is an object's own, read together with it, or one of the moment's – never one
   * that was looked up after the content, which might be newer than that.
   */
  readonly load: (moment: Moment) => Promise<Answer>;
  /** Where somebody else keeps the answer, and knows what changes it. */
  readonly kept?: KeptQuery | undefined;
}

/** An answer that is kept elsewhere. */
export interface KeptQuery {
  /** The answer as of a moment after this call. */
  readonly read: () => Promise<Answer>;
  /** Calls back once when the answer has changed, or may have. The returned function ends it before. */
  readonly watch: (wake: () => void) => () => void;
}

interface Flight {
  isStale: boolean;
  readonly promise: Promise<Answer>;
}

/**
 * Ready answers, kept until something they depend on moves. Equal queries share one load. An answer whose topics moved while it was loaded
 * is handed to those who asked before, and not kept.
 */
export class AnswerCache {
  private readonly answers: LRUCache<string, Answer>;
  private readonly flights = new Map<string, Flight>();
  private readonly dependents = new Map<Topic, Set<string>>();
  private readonly topicsOf = new Map<string, readonly Topic[]>();
  hits = 0;
  misses = 0;

  constructor(
    private readonly tail: LogTail,
    tablesOf: (stream: string) => readonly string[],
    maxBytes: number,
  ) {
    this.answers = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (answer, key) => answer.body.length + key.length + 200,
      // Not `dispose`: that is called while the answer can still be found.
      disposeAfter: (_answer, key) => this.forget(key),
    });
    tail.onCommit(({ changes }) => {
      const tables = new Set<string>();
      for (const { stream } of changes) {
        this.expire(stream);
        for (const table of tablesOf(stream)) tables.add(table);
      }
      for (const table of tables) this.expire(`table:${table}`);
    });
  }

  /** The answer as of a moment after this call (as far as the log tail has come). */
  read(query: Query): Promise<Answer> {
    if (query.kept !== undefined) return query.kept.read();
    const kept = this.answers.get(query.key);
    if (kept !== undefined) {
      this.hits++;
      return Promise.resolve(kept);
    }
    const flying = this.flights.get(query.key);
    if (flying !== undefined && !flying.isStale) return flying.promise;
    this.misses++;
    return this.load(query);
  }

  private load(query: Query): Promise<Answer> {
    const promise = query.load(this.tail.moment()).then(
      (answer) => {
        this.land(query, flight, answer);
        return answer;
      },
      (error: unknown) => {
        this.land(query, flight, undefined);
        throw error;
      },
    );
    const flight: Flight = { isStale: false, promise };
    this.flights.set(query.key, flight);
    this.topicsOf.set(query.key, query.topics);
    for (const topic of query.topics) {
      const keys = this.dependents.get(topic);
      if (keys === undefined) this.dependents.set(topic, new Set([query.key]));
      else keys.add(query.key);
    }
    return promise;
  }

  private land(query: Query, flight: Flight, answer: Answer | undefined): void {
    if (this.flights.get(query.key) !== flight) return;
    this.flights.delete(query.key);
    if (answer === undefined || answer.status !== 200 || flight.isStale) this.forget(query.key);
    else {
      this.answers.set(query.key, unpooled(answer));
      // One that is larger than the cache was not taken.
      this.forget(query.key);
    }
  }

  private expire(topic: Topic): void {
    const keys = this.dependents.get(topic);
    if (keys === undefined) return;
    for (const key of [...keys]) {
      const flight = this.flights.get(key);
      if (flight !== undefined) flight.isStale = true;
      else this.answers.delete(key);
    }
  }

  private forget(key: string): void {
    if (this.flights.has(key) || this.answers.has(key)) return;
    for (const topic of this.topicsOf.get(key) ?? []) {
      const keys = this.dependents.get(topic);
      keys?.delete(key);
      if (keys?.size === 0) this.dependents.delete(topic);
    }
    this.topicsOf.delete(key);
  }
}

/** A small body is a piece of a slab that it shares with what is soon gone, and would keep all of it. */
function unpooled(answer: Answer): Answer {
  const { body } = answer;
  if (!Buffer.isBuffer(body) || body.buffer.byteLength <= 2 * body.length) return answer;
  const own = Buffer.allocUnsafeSlow(body.length);
  body.copy(own);
  return { ...answer, body: own };
}
