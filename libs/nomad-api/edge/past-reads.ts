import { createHash } from 'node:crypto';
import type { PastLog } from '@app/event-store';
import { US_PER_MS, type Index } from '@app/kernel';
import { ListsNotKept, readingAsOf, type PastMoments } from '@app/read-models';
import type { Answer, LogTail, Moment, Query as DataQuery } from '@app/streaming';
import { LRUCache } from 'lru-cache';
import { NomadError, timeOf } from '../http/index.js';

/** Answers that are kept: they never change, so only room is a reason to forget one. */
const KEPT_BYTES = 32 * 1024 * 1024;

/** A moment that somebody asks for. */
export interface AskedMoment {
  readonly index: Index;
  /** What is asked for will always be of this index: it was named, or a later commit is known. */
  readonly isFinal: boolean;
}

const refuse = (text: string): NomadError => new NomadError(text, 400);
const FORM = 'as_of must be an index or a time as RFC 3339 has it';

/** Answers as they were. */
export class PastReads {
  private readonly answers = new LRUCache<string, Answer>({
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ body }, key) => body.length + key.length + 200,
  });

  constructor(
    private readonly log: Pick<PastLog, 'indexAt'>,
    private readonly moments: PastMoments,
    private readonly tail: Pick<LogTail, 'applied'>,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** The index that is meant. @throws NomadError (400) for one that is not there (yet), and for a text that is neither index nor time. */
  async asked(text: string): Promise<AskedMoment> {
    if (/^\d{1,20}$/.test(text)) return { index: this.existing(BigInt(text)), isFinal: true };
    const time = timeOf(text);
    if (time === undefined) throw refuse(FORM);
    if (time > this.nowMs() * US_PER_MS) throw refuse(`as_of=${text} is in the future`);
    const { index, isFinal } = await this.log.indexAt(time);
    if (index === 0) throw refuse(`as_of=${text} is before the beginning of the log`);
    // The store may know commits that this process has not seen yet.
    return { index: Math.min(index, this.tail.applied), isFinal };
  }

  private existing(index: bigint): Index {
    if (index === 0n) throw refuse('as_of=0 is before the beginning of the log: its first index is 1');
    if (index > BigInt(this.tail.applied))
      throw refuse(`as_of=${index} is in the future: the last index is ${this.tail.applied}`);
    return Number(index);
  }

  /**
   * What a query answered at an index.
   *
   * @param queryOf what makes the query; it reads as of the index, too
   */
  async answer(
    index: Index,
    queryOf: () => DataQuery | Promise<DataQuery>,
  ): Promise<Answer & { readonly tag: string }> {
    const moment = await this.momentOf(index);
    return readingAsOf(index, async () => {
      const query = await queryOf();
      const key = `${index} ${query.key}`;
      const answer = this.answers.get(key) ?? (await this.load(query, moment));
      this.answers.set(key, answer);
      return { ...answer, tag: tagOf(key) };
    });
  }

  private async load(query: DataQuery, moment: Moment): Promise<Answer> {
    try {
      return await query.load(moment);
    } catch (error) {
      if (!(error instanceof ListsNotKept)) throw error;
      throw refuse(
        `as_of=${moment.applied} is too early for lists: of this log they are kept from index ${error.from} on`,
      );
    }
  }

  private async momentOf(index: Index): Promise<Moment> {
    const tables = await this.moments.tablesAt(index);
    return {
      applied: index,
      tableIndex: (...names) => Math.max(0, ...names.map((name) => tables.get(name) ?? 0)),
    };
  }
}

const TAG_LENGTH = 22;
/** Weak: compressed and indented answers share it. */
const tagOf = (key: string): string =>
  `W/"${createHash('sha256').update(key).digest('base64url').slice(0, TAG_LENGTH)}"`;
