import { MAX_DEPTH } from '../budget.js';
import { HclError } from '../diagnostics.js';
import { text } from '../values/value.js';
import type { Expression } from './ast.js';
import type { ExpressionContext } from './expression-context.js';
import type { Part } from './template-parts.js';

/** Pairs the directives of a template: `if` with `endif`, `for` with `endfor`. */
export function structured(parts: readonly Part[], parser: ExpressionContext): readonly Expression[] {
  const structure = new Structure(parts, parser);
  return structure.upTo([], undefined, 0);
}

class Structure {
  private at = 0;

  constructor(
    private readonly parts: readonly Part[],
    private readonly parser: ExpressionContext,
  ) {}

  /** What comes before one of the closing directives, which is read too. */
  upTo(closers: readonly string[], opener: Part | undefined, depth: number): Expression[] {
    if (depth > MAX_DEPTH) throw new HclError('templates are nested too deeply');
    const found: Expression[] = [];
    for (;;) {
      const part = this.parts[this.at++];
      if (part === undefined) {
        if (opener)
          this.parser.reportFirst(
            'Unexpected end of template',
            `The ${opener.kind} directive at this location is missing its corresponding ${closers.at(-1)} directive.`,
            opener.range,
          );
        return found;
      }
      if (closers.includes(part.kind)) return found;
      if (part.kind === 'literal') found.push({ kind: 'literal', value: text(part.text), range: part.range });
      else if (part.kind === 'interpolation') found.push(part.expression);
      else if (part.kind === 'if') found.push(this.conditional(part, depth));
      else if (part.kind === 'for') found.push(this.loop(part, depth));
      else
        this.parser.reportFirst(
          `Unexpected ${part.kind} directive`,
          'The control directives within this template are unbalanced.',
          part.range,
        );
    }
  }

  private conditional(part: Part & { kind: 'if' }, depth: number): Expression {
    const { range, condition } = part;
    const template = (parts: readonly Expression[]): Expression => ({ kind: 'template', parts, range });
    const whenTrue = template(this.upTo(['else', 'endif'], part, depth + 1));
    const hasElse = this.parts[this.at - 1]?.kind === 'else';
    const whenFalse = template(hasElse ? this.upTo(['endif'], part, depth + 1) : []);
    return { kind: 'conditional', condition, whenTrue, whenFalse, range };
  }

  private loop(part: Part & { kind: 'for' }, depth: number): Expression {
    const { range, keyName, valueName, collection } = part;
    const value: Expression = { kind: 'template', parts: this.upTo(['endfor'], part, depth + 1), range };
    const tuple: Expression = {
      kind: 'for',
      keyName,
      valueName,
      collection,
      key: undefined,
      value,
      condition: undefined,
      group: false,
      range,
      open: range,
    };
    return { kind: 'join', tuple, range };
  }
}
