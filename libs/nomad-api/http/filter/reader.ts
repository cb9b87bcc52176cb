import { quoted } from '@app/kernel';

/** A parse that went wrong in a way that needs no list of what was expected. */
interface Complaint {
  readonly position: number;
  readonly rule: string;
  readonly text: string;
}

/** One kind of character, with the name that error texts give it. */
export interface CharClass {
  readonly name: string;
  readonly test: RegExp;
}

/**
 * The text of an expression and how far reading it has come. It remembers the farthest place where something else was expected, and what: that is
 * the parser's error text when nothing better was said.
 */
export class Reader {
  position = 0;
  private readonly chars: readonly string[];
  private farthest = 0;
  private expected = new Set<string>();
  private readonly complaints: Complaint[] = [];
  /** Within a negative look-ahead, what succeeds is what was not wanted. */
  private inverted = false;

  constructor(text: string) {
    this.chars = Array.from(text.toWellFormed());
  }

  /** Steps over a text of plain ASCII. */
  literal(text: string): boolean {
    let found = true;
    for (let i = 0; found && i < text.length; i++) found = this.chars[this.position + i] === text[i];
    this.note(found, quoted(text));
    if (found) this.position += text.length;
    return found;
  }

  one(kind: CharClass): string | undefined {
    const char = this.chars[this.position];
    const found = char !== undefined && kind.test.test(char);
    this.note(found, kind.name);
    if (!found) return undefined;
    this.position++;
    return char;
  }

  /** Zero or more characters. */
  many(kind: CharClass): string {
    let text = '';
    for (let char = this.one(kind); char !== undefined; char = this.one(kind)) text += char;
    return text;
  }

  anything(): boolean {
    const found = this.position < this.chars.length;
    this.note(found, '.');
    if (found) this.position++;
    return found;
  }

  /** Runs a part; when it fails, the position is as before. */
  attempt<T>(part: () => T | undefined): T | undefined {
    const start = this.position;
    const result = part();
    if (result === undefined || result === false) {
      this.position = start;
      return undefined;
    }
    return result;
  }

  /** True when the part does not follow. Moves nothing. */
  not(part: () => unknown): boolean {
    const start = this.position;
    this.inverted = !this.inverted;
    const result = part();
    this.inverted = !this.inverted;
    this.position = start;
    return result === undefined || result === false;
  }

  /** True when the part follows. Moves nothing. */
  ahead(part: () => boolean): boolean {
    const start = this.position;
    const result = part();
    this.position = start;
    return result;
  }

  /** Notes what is wrong here; the parse as a whole fails with it, whatever else it finds. Answers a failure. */
  complain(rule: string, text: string, position = this.position): undefined {
    const complaint = { position, rule, text };
    if (!this.complaints.some((other) => other.position === position && other.text === text))
      this.complaints.push(complaint);
    return undefined;
  }

  slice(start: number): string {
    return this.chars.slice(start, this.position).join('');
  }

  /** The error text of a parse that failed or was complained about; undefined when it was neither. */
  error(failed: boolean): string | undefined {
    if (this.complaints.length > 0) {
      return this.complaints
        .map(({ position, rule, text }) => `${this.place(position)}: rule ${rule}: ${text}`)
        .join('\n');
    }
    if (!failed) return undefined;
    const names = [...this.expected].filter((name) => name !== '!.').sort();
    if (this.expected.has('!.')) names.push('EOF');
    const last = names.pop() ?? '';
    const list = names.length > 0 ? `${names.join(', ')} or ${last}` : last;
    return `${this.place(this.farthest)}: no match found, expected: ${list}`;
  }

  private note(found: boolean, name: string): void {
    if (found !== this.inverted || this.position < this.farthest) return;
    if (this.position > this.farthest) {
      this.farthest = this.position;
      this.expected = new Set();
    }
    this.expected.add(this.inverted ? `!${name}` : name);
  }

  /** Line, column in characters, and offset in bytes. */
  private place(position: number): string {
    const upTo = this.chars.slice(0, position + 1);
    const line = 1 + upTo.filter((char) => char === '\n').length;
    const column = this.chars[position] === '\n' ? 0 : position - this.chars.slice(0, position).lastIndexOf('\n');
    return `${line}:${column} (${Buffer.byteLength(this.chars.slice(0, position).join(''))})`;
  }
}
