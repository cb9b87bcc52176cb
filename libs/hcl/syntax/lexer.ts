import { MAX_DEPTH } from '../budget.js';
import { HclError } from '../diagnostics.js';
import type { Source } from '../source.js';
import { SYMBOLS, type Token, type TokenType } from './tokens.js';

type Mode =
  | { readonly kind: 'main'; braces: number }
  | { readonly kind: 'quoted' }
  | { readonly kind: 'heredoc'; readonly marker: string; startOfLine: boolean };

const SPACE = /[ \t]+/y;
const NEWLINE = /\r?\n/y;
const IDENT = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy;
const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LINE_COMMENT = /(?:#|\/\/)[^\n]*\n?/y;
const HEREDOC = /<<-?([\p{ID_Start}_][\p{ID_Continue}-]*)\r?\n/uy;
const SEQUENCE = /([$%])\{~?/y;

/** No line holds it. */
const NO_MARKER = '\n';

/** The tokens of a text. Never fails for what a text says: what fits nowhere is an `invalid` token. */
export class Lexer {
  private at = 0;
  private readonly tokens: Token[] = [];
  private readonly modes: Mode[] = [{ kind: 'main', braces: 0 }];
  private readonly text: string;

  /** @param kind `template`: the whole text is one, as if within a heredoc */
  constructor(
    source: Source,
    private readonly kind: 'file' | 'template' = 'file',
  ) {
    this.text = source.text;
    if (kind === 'file') return;
    this.push('open-heredoc', 0);
    this.enter({ kind: 'heredoc', marker: NO_MARKER, startOfLine: false });
  }

  run(): readonly Token[] {
    while (this.at < this.text.length) {
      const mode = this.modes.at(-1)!;
      if (mode.kind === 'main') this.main(mode);
      else if (mode.kind === 'quoted') this.quoted();
      else this.heredoc(mode);
    }
    if (this.kind === 'template' && this.modes.length === 2) this.push('close-heredoc', 0);
    this.tokens.push({ type: 'eof', start: this.at, end: this.at });
    return this.tokens;
  }

  private main(mode: Mode & { kind: 'main' }): void {
    if (this.match(SPACE) !== undefined) return;
    if (this.take('newline', NEWLINE) || this.take('ident', IDENT) || this.take('number', NUMBER)) return;
    if (this.comment()) return;
    const heredoc = this.match(HEREDOC, false);
    if (heredoc) {
      this.push('open-heredoc', heredoc[0].length);
      this.enter({ kind: 'heredoc', marker: heredoc[1]!, startOfLine: true });
      return;
    }
    if (this.text[this.at] === '"') {
      this.push('open-quote', 1);
      this.enter({ kind: 'quoted' });
      return;
    }
    const inTemplate = this.modes.length > 1 && mode.braces === 0;
    if (inTemplate && (this.text[this.at] === '}' || this.text.startsWith('~}', this.at))) {
      this.push('sequence-end', this.text[this.at] === '~' ? 2 : 1);
      this.modes.pop();
      return;
    }
    const symbol = SYMBOLS.find((one) => this.text.startsWith(one, this.at));
    if (symbol === '{') mode.braces += 1;
    if (symbol === '}') mode.braces -= 1;
    this.push(symbol ?? 'invalid', symbol?.length ?? String.fromCodePoint(this.text.codePointAt(this.at)!).length);
  }

  /** One up to the end of its line ends the line, too. */
  private comment(): boolean {
    if (this.text.startsWith('/*', this.at)) {
      const end = this.text.indexOf('*/', this.at + 2);
      if (end < 0) return false;
      this.at = end + 2;
      return true;
    }
    const line = this.match(LINE_COMMENT, false);
    if (!line) return false;
    if (line[0].endsWith('\n')) this.push('newline', line[0].length);
    else this.at += line[0].length;
    return true;
  }

  private quoted(): void {
    const end = literalEnd(this.text, this.at, true);
    if (end > this.at) {
      this.push('quoted-literal', end - this.at);
      return;
    }
    if (this.take('quoted-newline', NEWLINE) || this.sequence()) return;
    if (this.text[this.at] === '"') {
      this.push('close-quote', 1);
      this.modes.pop();
    } else this.push('invalid', 1);
  }

  /** A literal for each line or part of one, so that the indentation of each can be told. */
  private heredoc(mode: Mode & { kind: 'heredoc' }): void {
    if (mode.startOfLine) {
      const end = this.text.indexOf('\n', this.at);
      const line = this.text.slice(this.at, end < 0 ? this.at : end);
      if (end >= 0 && line.trim() === mode.marker) {
        this.push('close-heredoc', line.endsWith('\r') ? line.length - 1 : line.length);
        this.modes.pop();
        return;
      }
    }
    mode.startOfLine = false;
    const text = literalEnd(this.text, this.at, false) - this.at;
    if (this.text[this.at + text] === '\n') {
      this.push('heredoc-literal', text + 1);
      mode.startOfLine = true;
    } else if (text > 0) this.push('heredoc-literal', text);
    else this.sequence();
  }

  private sequence(): boolean {
    const sequence = this.match(SEQUENCE, false);
    if (!sequence) return false;
    this.push(sequence[1] === '$' ? 'interpolation' : 'control', sequence[0].length);
    this.enter({ kind: 'main', braces: 0 });
    return true;
  }

  private enter(mode: Mode): void {
    if (this.modes.length >= 2 * MAX_DEPTH) throw new HclError('templates are nested too deeply');
    this.modes.push(mode);
  }

  private take(type: TokenType, pattern: RegExp): boolean {
    const found = this.match(pattern, false);
    if (found) this.push(type, found[0].length);
    return found !== undefined;
  }

  private match(pattern: RegExp, consume = true): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text) ?? undefined;
    if (found && consume) this.at += found[0].length;
    return found;
  }

  private push(type: TokenType, length: number): void {
    this.tokens.push({ type, start: this.at, end: this.at + length });
    this.at += length;
  }
}

/** Where literal text ends: at a sequence, a line end, and in quotes at the closing one. `$${`, `%%{` and escapes belong to it. */
function literalEnd(text: string, from: number, isQuoted: boolean): number {
  let at = from;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '\n') break;
    if (char === '$' || char === '%') {
      if (text[at + 1] === char && text[at + 2] === '{') at += 3;
      else if (text[at + 1] === '{') break;
      else at += 1;
    } else if (isQuoted && (char === '"' || char === '\r')) break;
    else if (isQuoted && char === '\\') {
      if (text[at + 1] === undefined || text[at + 1] === '\n' || text[at + 1] === '\r') break;
      at += 2;
    } else at += 1;
  }
  return at;
}
