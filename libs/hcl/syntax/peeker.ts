import type { Range, Source } from '../source.js';
import { OPENERS, type Token, type TokenType } from './tokens.js';

const OPENING: ReadonlySet<TokenType> = new Set([
  '{', '[', '(', 'open-quote', 'open-heredoc', 'interpolation', 'control',
]); // prettier-ignore

/** Looks at tokens and reads them. Between brackets line ends do not count. */
export class Peeker {
  private at = 0;
  private readonly newlines: boolean[] = [true];
  /** Set once a parse error was met: what follows is no longer told of where it may be a consequence. */
  recovering = false;

  constructor(
    readonly source: Source,
    private readonly tokens: readonly Token[],
  ) {}

  private next(): number {
    let at = this.at;
    while (this.tokens[at]!.type === 'newline' && !this.newlines.at(-1)) at += 1;
    return at;
  }

  peek(): Token {
    return this.tokens[this.next()]!;
  }

  read(): Token {
    const at = this.next();
    // Beyond the end there are only further ends.
    this.at = Math.min(at + 1, this.tokens.length - 1);
    this.last = this.tokens[at]!;
    return this.last;
  }

  private last: Token | undefined;

  /** Of the token read last; at the beginning that of the first one. */
  previousRange(): Range {
    return this.rangeOf(this.last ?? this.peek());
  }

  rangeOf(token: Token): Range {
    return this.source.range(token.start, token.end);
  }

  textOf(token: Token): string {
    return this.source.text.slice(token.start, token.end);
  }

  isKeyword(word: string): boolean {
    const token = this.peek();
    return token.type === 'ident' && this.textOf(token) === word;
  }

  /** Runs something during which line ends count or do not. */
  withNewlines<T>(count: boolean, run: () => T): T {
    this.newlines.push(count);
    const result = run();
    this.newlines.pop();
    return result;
  }

  /** Reads on to the closing token of the bracket that is open. */
  recover(end: TokenType): Token {
    this.recovering = true;
    const opener = OPENERS[end];
    for (let nested = 0; ;) {
      const token = this.read();
      const type = token.type === 'control' ? 'interpolation' : token.type;
      if (type === opener) nested += 1;
      else if (type === end && nested-- < 1) return token;
      else if (type === 'eof') return token;
    }
  }

  /** Reads on to behind the line end that ends an attribute or block. */
  recoverAfterItem(): void {
    this.recovering = true;
    const open: TokenType[] = [];
    for (;;) {
      const { type } = this.read();
      if (type === 'eof' || (type === 'newline' && open.length === 0)) return;
      if (OPENING.has(type)) open.push(type === 'control' ? 'interpolation' : type);
      const opener = OPENERS[type];
      if (opener !== undefined) open.length = Math.max(0, open.lastIndexOf(opener));
    }
  }
}
