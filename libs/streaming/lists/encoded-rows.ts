import type { Index } from '@app/kernel';
import { byBytes } from '@app/read-models';
import { Chunks, type Body } from '../chunks.js';

/** Bytes that a segment is made of, about: what is copied when one of its rows changes. */
const SEGMENT_BYTES = 64 * 1024;
/** What is shorter than this is sent in one piece. */
const WHOLE_BYTES = 64 * 1024;
/** Besides their text, rows take about this. */
const ROW_BYTES = 160;
/** So many segments are never too many. */
const MIN_COMPACTED = 8;
const OPEN = 0x5b;
const COMMA = 0x2c;
const CLOSE = Buffer.from(']');
const EMPTY = Buffer.from('[]');

/** Where a row stands. */
export interface Place {
  readonly key: string;
  readonly createIndex: Index;
}

/** A row as it is to be; without text it is to be left out. */
export interface RowChange extends Place {
  readonly text: Buffer | undefined;
}

/** A row of the list that is being made: new text, or its place in an older segment. */
interface Piece extends Place {
  readonly text: Buffer;
}

/** Neighbouring rows: their text, each with the character before it – the list's bracket, or a comma. Never changed. */
interface Segment {
  readonly bytes: Buffer;
  readonly places: readonly Place[];
  /** Where each row's text ends. */
  readonly ends: readonly number[];
}

export type ListOrder = 'created' | 'key';

/** The rows of a list, encoded, in order. Who was given its body keeps what it was: a change makes new segments of those that it touches. */
export class EncodedRows {
  private segments: Segment[] = [];
  /** The create index of every row: also of one whose key comes again after it had gone. */
  private readonly places = new Map<string, Index>();
  private made: Body | undefined;
  private textBytes = 0;

  constructor(
    private readonly order: ListOrder,
    private readonly isReversed: boolean,
  ) {}

  get size(): number {
    return this.places.size;
  }

  /** About what it takes in memory. */
  get bytes(): number {
    return this.textBytes + this.places.size * ROW_BYTES;
  }

  has(key: string): boolean {
    return this.places.has(key);
  }

  /** The text of the first row. */
  get first(): string | undefined {
    const [segment] = this.segments;
    return segment && textAt(segment, 0).toString();
  }

  /** Rows that come after all the others. */
  append(rows: readonly Piece[]): void {
    for (const { key, createIndex } of rows) this.places.set(key, createIndex);
    const last = this.segments.at(-1);
    const begin = this.segments.length - (last === undefined ? 0 : 1);
    this.replace(begin, last === undefined ? 0 : 1, [...(last === undefined ? [] : piecesOf(last)), ...rows]);
  }

  /** False: this changes nothing. */
  apply(changes: readonly RowChange[]): boolean {
    const wanted = new Map<string, RowChange>();
    for (const change of changes) wanted.set(change.key, change);
    for (const { key, text } of wanted.values()) if (text === undefined && !this.has(key)) wanted.delete(key);
    if (wanted.size === 0) return false;
    const touched = new Map<number, Piece[]>();
    for (const { key, createIndex, text } of wanted.values()) {
      const old = this.places.get(key);
      if (old !== undefined) this.touch(touched, { key, createIndex: old });
      if (text !== undefined) this.touch(touched, { key, createIndex }).push({ key, createIndex, text });
    }
    for (const at of [...touched.keys()].sort((a, b) => b - a)) {
      const segment = this.segments[at];
      const kept = segment === undefined ? [] : piecesOf(segment).filter(({ key }) => !wanted.has(key));
      const pieces = [...kept, ...touched.get(at)!].sort((a, b) => this.compare(a, b));
      this.replace(at, segment === undefined ? 0 : 1, pieces);
    }
    for (const { key, createIndex, text } of wanted.values()) {
      if (text === undefined) this.places.delete(key);
      else this.places.set(key, createIndex);
    }
    if (this.segments.length > MIN_COMPACTED + (2 * this.textBytes) / SEGMENT_BYTES) this.compact();
    return true;
  }

  /** The rows in order; the text of each is looked up when it is asked for. */
  *rows(): Generator<Place & { readonly text: () => Buffer }> {
    for (const segment of this.segments)
      for (const [row, { key, createIndex }] of segment.places.entries())
        yield { key, createIndex, text: () => textAt(segment, row) };
  }

  /** The list as JSON: the same until it changes. */
  body(): Body {
    return (this.made ??= this.assemble());
  }

  private assemble(): Body {
    if (this.segments.length === 0) return EMPTY;
    const parts = [...this.segments.map(({ bytes }) => bytes), CLOSE];
    return this.textBytes < WHOLE_BYTES ? Buffer.concat(parts) : new Chunks(parts);
  }

  /** Many small segments, as deletions leave them, become few. */
  private compact(): void {
    this.replace(0, this.segments.length, this.segments.flatMap(piecesOf));
  }

  /** The changes of the segment that a row belongs to. */
  private touch(touched: Map<number, Piece[]>, place: Place): Piece[] {
    const at = this.segmentOf(place);
    const known = touched.get(at) ?? [];
    touched.set(at, known);
    return known;
  }

  /** The last segment that does not begin after a place. */
  private segmentOf(place: Place): number {
    let [low, high] = [0, this.segments.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.compare(this.segments[middle]!.places[0]!, place) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Puts rows where some segments were; the first segment of all begins the list. */
  private replace(at: number, count: number, pieces: readonly Piece[]): void {
    this.made = undefined;
    const fresh = segmentsOf(pieces, at === 0);
    for (const { bytes } of this.segments.slice(at, at + count)) this.textBytes -= bytes.length;
    for (const { bytes } of fresh) this.textBytes += bytes.length;
    if (at + count >= this.segments.length) {
      this.segments.length = at;
      for (const segment of fresh) this.segments.push(segment);
    } else this.segments.splice(at, count, ...fresh);
    const [first] = this.segments;
    if (first !== undefined && first.bytes[0] !== OPEN) this.segments[0] = begun(first);
  }

  private compare(a: Place, b: Place): number {
    const byIndex = this.order === 'created' ? a.createIndex - b.createIndex : 0;
    const order = byIndex === 0 ? byBytes(a.key, b.key) : byIndex;
    return this.isReversed ? -order : order;
  }
}

const textAt = ({ bytes, ends }: Segment, row: number): Buffer =>
  bytes.subarray((row === 0 ? 0 : ends[row - 1]!) + 1, ends[row]);

const piecesOf = (segment: Segment): Piece[] =>
  segment.places.map(({ key, createIndex }, row) => ({ key, createIndex, text: textAt(segment, row) }));

function segmentsOf(pieces: readonly Piece[], isFirst: boolean): Segment[] {
  const segments: Segment[] = [];
  let begin = 0;
  let bytes = 0;
  for (const [i, { text }] of pieces.entries()) {
    bytes += text.length + 1;
    const isLast = i === pieces.length - 1;
    if (!isLast && bytes < SEGMENT_BYTES) continue;
    segments.push(segmentOf(pieces.slice(begin, i + 1), bytes, isFirst && begin === 0));
    [begin, bytes] = [i + 1, 0];
  }
  return segments;
}

function segmentOf(pieces: readonly Piece[], length: number, isFirst: boolean): Segment {
  // Its own memory, not a slice of a pool that it would keep alive.
  const bytes = Buffer.allocUnsafeSlow(length);
  const ends: number[] = [];
  let end = 0;
  for (const { text } of pieces) {
    bytes[end] = isFirst && end === 0 ? OPEN : COMMA;
    end += 1 + text.copy(bytes, end + 1);
    ends.push(end);
  }
  return { bytes, ends, places: pieces.map(({ key, createIndex }) => ({ key, createIndex })) };
}

function begun(segment: Segment): Segment {
  const bytes = Buffer.from(segment.bytes);
  bytes[0] = OPEN;
  return { ...segment, bytes };
}
