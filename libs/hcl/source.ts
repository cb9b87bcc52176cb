/** From and to, as offsets into the text; `to` is the first one that does not belong to it. */
export interface Range {
  readonly start: number;
  readonly end: number;
  readonly source: Source;
}

const ASCII = /^[\x20-\x7e\t]*$/;
const graphemes = new Intl.Segmenter();

/** A text and where its lines begin. Columns count grapheme clusters from 1, as HCL counts them. */
export class Source {
  readonly text: string;
  private lineStarts: readonly number[] | undefined;

  constructor(
    /** How diagnostics call it. */
    readonly name: string,
    text: string,
  ) {
    this.text = text.startsWith('\ufeff') ? text.slice(1) : text;
  }

  range(start: number, end: number): Range {
    return { start, end, source: this };
  }

  slice({ start, end }: Range): string {
    return this.text.slice(start, end);
  }

  position(offset: number): { readonly line: number; readonly column: number } {
    const starts = (this.lineStarts ??= lineStartsOf(this.text));
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    const before = this.text.slice(starts[low], offset);
    const column = ASCII.test(before) ? before.length : [...graphemes.segment(before)].length;
    return { line: low + 1, column: column + 1 };
  }
}

/** A text that stands, decoded, within another one: what is wrong with it is told where it stands. Exact where nothing was escaped. */
export class EmbeddedSource extends Source {
  private readonly outer: Range;

  constructor(text: string, outer: Range) {
    super(outer.source.name, text);
    this.outer = outer;
  }

  override position(offset: number): { readonly line: number; readonly column: number } {
    // Behind the opening quote, and not beyond the closing one.
    const { source, start, end } = this.outer;
    return source.position(Math.min(start + 1 + offset, Math.max(start, end - 1)));
  }
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

export const rangeBetween = (first: Range, last: Range): Range => ({ ...first, end: last.end });

/** `input.hcl:2,3-9`, or `input.hcl:2,9-3,1` over several lines. */
export function showRange({ source, start, end }: Range): string {
  const [from, to] = [source.position(start), source.position(end)];
  const tail = from.line === to.line ? String(to.column) : `${to.line},${to.column}`;
  return `${source.name}:${from.line},${from.column}-${tail}`;
}
