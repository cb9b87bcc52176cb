import { MAX_DEPTH } from '../budget.js';
import { HclError, type Diagnostics } from '../diagnostics.js';
import { rangeBetween, showRange, type Range, type Source } from '../source.js';
import type { Attribute, Block, Body } from './ast.js';
import { checkTokens } from './check-tokens.js';
import { Lexer } from './lexer.js';
import { ExpressionParser } from './parse-expression.js';
import { Peeker } from './peeker.js';
import type { Token } from './tokens.js';

const REQUIRED = 'An argument or block definition is required here.';
const REQUIRED_EQUALS = `${REQUIRED} To set an argument, use the equals sign "=" to introduce the argument value.`;

/** Parses a text of HCL's native syntax. What is wrong goes into the diagnostics; there is a body in any case. */
export function parseBody(source: Source, diagnostics: Diagnostics): Body {
  const tokens = new Lexer(source).run();
  checkTokens(source, tokens, diagnostics);
  return new BodyParser(new Peeker(source, tokens), diagnostics).body('eof', 0);
}

class BodyParser {
  private readonly expressions: ExpressionParser;

  constructor(
    private readonly tokens: Peeker,
    private readonly diagnostics: Diagnostics,
  ) {
    this.expressions = new ExpressionParser(tokens, diagnostics);
  }

  private report(summary: string, detail: string, range: Range): void {
    this.diagnostics.add(summary, detail, range);
  }

  body(end: '}' | 'eof', depth: number): Body {
    if (depth > MAX_DEPTH) throw new HclError('blocks are nested too deeply');
    const attributes = new Map<string, Attribute>();
    const blocks: Block[] = [];
    const opening = this.tokens.previousRange();
    const missing = { ...opening, end: opening.start };
    for (;;) {
      const next = this.tokens.peek();
      if (next.type === end) {
        this.tokens.read();
        return { attributes, blocks, missing };
      }
      if (next.type === 'newline') this.tokens.read();
      else if (next.type === 'ident') this.item(attributes, blocks, depth);
      else {
        this.misfit(this.tokens.read(), end, opening);
        this.tokens.recover(end);
        return { attributes, blocks, missing };
      }
    }
  }

  private misfit(bad: Token, end: '}' | 'eof', opening: Range): void {
    if (this.tokens.recovering) return;
    const range = this.tokens.rangeOf(bad);
    if (bad.type === 'open-quote') this.report('Invalid argument name', 'Argument names must not be quoted.', range);
    else if (bad.type === 'eof' && end === '}')
      this.report(
        'Unclosed configuration block',
        'There is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file.',
        opening,
      );
    else this.report('Argument or block definition required', REQUIRED, range);
  }

  private item(attributes: Map<string, Attribute>, blocks: Block[], depth: number): void {
    const name = this.tokens.read();
    switch (this.tokens.peek().type) {
      case '=': {
        const attribute = this.attribute(name, false);
        const existing = attributes.get(attribute.name);
        if (existing === undefined) attributes.set(attribute.name, attribute);
        else
          this.report(
            'Attribute redefined',
            `The argument ${JSON.stringify(attribute.name)} was already set at ${showRange(existing.nameRange)}. Each argument may be set only once.`,
            attribute.nameRange,
          );
        return;
      }
      case 'open-quote':
      case '{':
      case 'ident': {
        const block = this.block(name, depth);
        if (block) blocks.push(block);
        return;
      }
      default:
        this.tokens.recoverAfterItem();
        this.report('Argument or block definition required', REQUIRED_EQUALS, this.tokens.rangeOf(name));
    }
  }

  private attribute(name: Token, isSingleLine: boolean): Attribute {
    this.tokens.read();
    const before = this.diagnostics.count;
    const expression = this.expressions.expression();
    const nameRange = this.tokens.rangeOf(name);
    const range = rangeBetween(nameRange, this.tokens.previousRange());
    if (this.tokens.recovering && this.diagnostics.count > before) this.tokens.recoverAfterItem();
    else if (!isSingleLine) this.endOfAttribute();
    return { name: this.tokens.textOf(name), expression, range, nameRange };
  }

  private endOfAttribute(): void {
    const end = this.tokens.peek();
    if (end.type === 'newline' || end.type === 'eof') {
      this.tokens.read();
      return;
    }
    if (!this.tokens.recovering) {
      const detail = 'An argument definition must end with a newline.';
      if (end.type === ',')
        this.report(
          'Unexpected comma after argument',
          `Argument definitions must be separated by newlines, not commas. ${detail}`,
          this.tokens.rangeOf(end),
        );
      else this.report('Missing newline after argument', detail, this.tokens.rangeOf(end));
    }
    this.tokens.recoverAfterItem();
  }

  private block(type: Token, depth: number): Block | undefined {
    const labels: string[] = [];
    const labelRanges: Range[] = [];
    let open: Token | undefined;
    while (open === undefined) {
      const token = this.tokens.peek();
      if (token.type === '{') open = this.tokens.read();
      else if (token.type === 'open-quote') {
        const label = this.expressions.quotedLabel();
        labels.push(label.text);
        labelRanges.push(label.range);
      } else if (token.type === 'ident') {
        this.tokens.read();
        labels.push(this.tokens.textOf(token));
        labelRanges.push(this.tokens.rangeOf(token));
      } else {
        this.badHeader(token);
        this.tokens.recoverAfterItem();
        return undefined;
      }
    }
    const next = this.tokens.peek().type;
    const isMultiLine = next === 'newline' || next === 'eof' || next === '}';
    const body = isMultiLine ? this.body('}', depth + 1) : this.singleLine();
    const after = this.tokens.peek();
    if (after.type === 'newline' || after.type === 'eof') this.tokens.read();
    else {
      if (!this.tokens.recovering)
        this.report(
          'Missing newline after block definition',
          'A block definition must end with a newline.',
          this.tokens.rangeOf(after),
        );
      this.tokens.recoverAfterItem();
    }
    const typeRange = this.tokens.rangeOf(type);
    return {
      type: this.tokens.textOf(type),
      labels,
      body,
      typeRange,
      labelRanges,
      openRange: this.tokens.rangeOf(open),
      headRange: rangeBetween(typeRange, labelRanges.at(-1) ?? typeRange),
    };
  }

  private badHeader(token: Token): void {
    const range = this.tokens.rangeOf(token);
    const report = (detail: string) => this.report('Invalid block definition', detail, range);
    if (token.type === '=')
      report('The equals sign "=" indicates an argument definition, and must not be used when defining a block.');
    else if (token.type === 'newline')
      report(
        'A block definition must have block content delimited by "{" and "}", starting on the same line as the block header.',
      );
    else if (!this.tokens.recovering)
      report('Either a quoted string block label or an opening brace ("{") is expected here.');
  }

  /** `{ name = value }`: one attribute at most. */
  private singleLine(): Body {
    const opening = this.tokens.previousRange();
    const body = { blocks: [], missing: { ...opening, end: opening.start } };
    const attribute = this.onlyAttribute();
    const end = this.tokens.peek();
    const report = (detail: string) =>
      this.report('Invalid single-argument block definition', detail, this.tokens.rangeOf(end));
    if (end.type === '}') this.tokens.read();
    else {
      if (end.type === ',')
        report(
          'Single-line block syntax can include only one argument definition. To define multiple arguments, use the multi-line block syntax with one argument definition per line.',
        );
      else if (end.type === 'newline')
        report(
          "An argument definition on the same line as its containing block creates a single-line block definition, which must also be closed on the same line. Place the block's closing brace immediately after the argument definition.",
        );
      else if (!this.tokens.recovering)
        report(
          'A single-line block definition must end with a closing brace immediately after its single argument definition.',
        );
      this.tokens.recover('}');
    }
    return { ...body, attributes: new Map(attribute && [[attribute.name, attribute]]) };
  }

  private onlyAttribute(): Attribute | undefined {
    const name = this.tokens.read();
    const range = this.tokens.rangeOf(name);
    if (name.type !== 'ident') {
      this.tokens.recoverAfterItem();
      this.report('Argument or block definition required', REQUIRED, range);
      return undefined;
    }
    const next = this.tokens.peek();
    if (next.type === '=') return this.attribute(name, true);
    this.tokens.recoverAfterItem();
    if (next.type === 'open-quote' || next.type === '{' || next.type === 'ident')
      this.report(
        'Argument definition required',
        `A single-line block definition can contain only a single argument. If you meant to define argument ${JSON.stringify(this.tokens.textOf(name))}, use an equals sign to assign it a value. To define a nested block, place it on a line of its own within its parent block.`,
        rangeBetween(range, this.tokens.rangeOf(next)),
      );
    else this.report('Argument or block definition required', REQUIRED_EQUALS, range);
    return undefined;
  }
}
