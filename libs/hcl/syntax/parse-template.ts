import { quoted } from '@app/kernel';
import { didYouMean } from '../diagnostics.js';
import { rangeBetween, type Range } from '../source.js';
import { text } from '../values/value.js';
import type { Expression } from './ast.js';
import { literalText } from './literals.js';
import type { ExpressionContext } from './expression-context.js';
import type { Part } from './template-parts.js';
import { structured } from './template-structure.js';
import type { Token, TokenType } from './tokens.js';

/** A quoted template or a heredoc, from behind its opening token on. */
export function parseTemplate(parser: ExpressionContext, open: Token): Expression {
  const { tokens } = parser;
  const end = open.type === 'open-quote' ? 'close-quote' : 'close-heredoc';
  const parts = tokens.withNewlines(true, () => new TemplateParser(parser, end).run());
  if (tokens.textOf(open).startsWith('<<-')) dedent(parts);
  const range = rangeBetween(tokens.rangeOf(open), tokens.previousRange());
  const [only, ...others] = parts;
  if (only?.kind === 'interpolation' && others.length === 0) return { kind: 'wrap', wrapped: only.expression, range };
  if (only === undefined) {
    const closing = tokens.previousRange();
    return { kind: 'template', parts: [literal('', { ...closing, end: closing.start })], range };
  }
  return { kind: 'template', parts: structured(parts, parser), range };
}

const literal = (value: string, range: Range): Expression => ({ kind: 'literal', value: text(value), range });

class TemplateParser {
  private readonly parts: Part[] = [];
  /** `~}` takes the blanks at the beginning of the literal that follows. */
  private trimsNext = false;

  constructor(
    private readonly parser: ExpressionContext,
    private readonly end: 'close-quote' | 'close-heredoc',
  ) {}

  run(): Part[] {
    const { tokens } = this.parser;
    for (;;) {
      const token = tokens.read();
      switch (token.type) {
        case this.end:
          return this.parts;
        case 'quoted-literal':
        case 'heredoc-literal':
          this.literal(token);
          continue;
        case 'interpolation':
          this.sequence(token, () => this.interpolation(token));
          continue;
        case 'control':
          this.sequence(token, () => this.directive(token));
          continue;
        default:
          this.parser.reportFirst('Unterminated template string', 'No closing marker was found for the string.', token);
          if (token.type === 'eof') tokens.recovering = true;
          else tokens.recover(this.end);
          return this.parts;
      }
    }
  }

  private literal(token: Token): void {
    const { tokens, diagnostics } = this.parser;
    const value = literalText(tokens.source, token, diagnostics);
    this.parts.push({
      kind: 'literal',
      text: this.trimsNext ? value.trimStart() : value,
      range: tokens.rangeOf(token),
    });
    if (this.trimsNext && value.trimStart() !== '') this.trimsNext = false;
  }

  private sequence(open: Token, parse: () => void): void {
    const { tokens } = this.parser;
    if (tokens.textOf(open).endsWith('~')) {
      for (let i = this.parts.length - 1; i >= 0; i -= 1) {
        const before = this.parts[i]!;
        if (before.kind !== 'literal') break;
        before.text = before.text.trimEnd();
        if (before.text !== '') break;
      }
    }
    this.trimsNext = false;
    tokens.withNewlines(false, parse);
  }

  private interpolation(open: Token): void {
    const { tokens } = this.parser;
    const expression = this.parser.expression();
    const close = tokens.peek();
    const openRange = tokens.rangeOf(open);
    if (close.type !== 'sequence-end') {
      this.unclosed(close.type, openRange, tokens.rangeOf(close));
      tokens.recover('sequence-end');
    } else this.closed();
    const range = rangeBetween(openRange, tokens.rangeOf(close));
    const written =
      expression.kind === 'reference'
        ? { ...expression, written: tokens.source.text.slice(open.end, close.start) }
        : expression;
    this.parts.push({ kind: 'interpolation', expression: written, range });
  }

  private closed(): void {
    const { tokens } = this.parser;
    this.trimsNext = tokens.textOf(tokens.read()) === '~}';
  }

  private unclosed(found: TokenType, open: Range, at: Range): void {
    const summary = 'Extra characters after interpolation expression';
    const unclosed = (where: string) =>
      this.parser.reportFirst(
        'Unclosed template interpolation sequence',
        `There is no closing brace for this interpolation sequence before the end of the ${where}. This might be caused by incorrect nesting inside the given expression.`,
        open,
      );
    if (found === 'eof') unclosed('file');
    else if (this.end === 'close-quote' && (found === 'close-quote' || found === 'open-quote'))
      unclosed('quoted template');
    else if (found === ':')
      this.parser.reportFirst(
        summary,
        'Template interpolation doesn\'t expect a colon at this location. Did you intend this to be a literal sequence to be processed as part of another language? If so, you can escape it by starting with "$${" instead of just "${".',
        at,
      );
    else
      this.parser.reportFirst(
        summary,
        'Expected a closing brace to end the interpolation expression, but found extra characters.\n\nThis can happen when you include interpolation syntax for another language, such as shell scripting, but forget to escape the interpolation start token. If this is an embedded sequence for another language, escape it by starting with "$${" instead of just "${".',
        at,
      );
  }

  private directive(open: Token): void {
    const { tokens } = this.parser;
    const keyword = tokens.peek();
    if (keyword.type !== 'ident') {
      this.parser.reportFirst(
        'Invalid template directive',
        'A template directive keyword ("if", "for", etc) is expected at the beginning of a %{ sequence.',
        keyword,
      );
      tokens.recover('sequence-end');
      return;
    }
    tokens.read();
    const name = tokens.textOf(keyword);
    const range = rangeBetween(tokens.rangeOf(open), tokens.rangeOf(keyword));
    const part = this.directivePart(name, keyword, range);
    if (part === undefined) {
      tokens.recover('sequence-end');
      return;
    }
    if (tokens.peek().type === 'sequence-end') this.closed();
    else {
      this.parser.reportFirst(
        `Extra characters in ${name} marker`,
        'Expected a closing brace to end the sequence, but found extra characters.',
        tokens.peek(),
      );
      tokens.recover('sequence-end');
    }
    this.parts.push(part);
  }

  private directivePart(name: string, keyword: Token, range: Range): Part | undefined {
    const { tokens } = this.parser;
    switch (name) {
      case 'if': {
        const condition = this.parser.tried(() => this.parser.expression());
        return condition.failed ? undefined : { kind: 'if', condition: condition.value, range };
      }
      case 'else':
      case 'endif':
      case 'endfor':
        return { kind: name, range };
      case 'for': {
        const names: string[] = [];
        do {
          if (names.length > 0) tokens.read();
          if (tokens.peek().type !== 'ident') return this.badFor("For directive requires variable name after 'for'.");
          names.push(tokens.textOf(tokens.read()));
        } while (tokens.peek().type === ',' && names.length < 2);
        if (!tokens.isKeyword('in')) return this.badFor("For directive requires 'in' keyword after names.");
        tokens.read();
        const collection = this.parser.tried(() => this.parser.expression());
        if (collection.failed) return undefined;
        const keyName = names.length > 1 ? names[0] : undefined;
        return { kind: 'for', keyName, valueName: names.at(-1)!, collection: collection.value, range };
      }
      default: {
        const near = didYouMean(name, ['if', 'for', 'else', 'endif', 'endfor']);
        this.parser.reportFirst(
          'Invalid template control keyword',
          `${quoted(name)} is not a valid template control keyword.${near}`,
          keyword,
        );
        return undefined;
      }
    }
  }

  private badFor(detail: string): undefined {
    this.parser.reportFirst("Invalid 'for' directive", detail, this.parser.tokens.peek());
  }
}

/** `<<-`: the smallest indentation of all lines is taken from each. Blank lines do not count. */
function dedent(parts: Part[]): void {
  let least = Infinity;
  let atLineStart = true;
  const lines: (Part & { kind: 'literal' })[] = [];
  for (const part of parts) {
    if (atLineStart) {
      atLineStart = false;
      if (part.kind !== 'literal') least = 0;
      else {
        const trimmed = part.text.trimStart();
        if (trimmed !== '' || !part.text.endsWith('\n')) {
          least = Math.min(least, part.text.length - trimmed.length);
          lines.push(part);
        }
      }
    }
    if (part.kind === 'literal' && part.text.endsWith('\n')) atLineStart = true;
  }
  for (const line of lines) line.text = line.text.slice(least);
}
