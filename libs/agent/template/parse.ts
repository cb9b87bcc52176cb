import { split, tokensOf, unquoted, type Piece, type Token } from './lex.js';
import { TemplateError } from './template-error.js';

/* The language of Go's text/template: https://pkg.go.dev/text/template. */

export type Operand =
  | { readonly kind: 'literal'; readonly value: string | bigint | number | boolean | null }
  /** `.`, `.A.B` */
  | { readonly kind: 'field'; readonly path: readonly string[] }
  /** `$`, `$x.A` */
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline; readonly path: readonly string[] };
export type Command = readonly [Operand, ...Operand[]];
export interface Pipeline {
  readonly commands: readonly Command[];
  /** Variables that are declared or set, before `:=` or `=`. */
  readonly names: readonly string[];
  readonly declares: boolean;
}
export interface Block {
  readonly kind: 'if' | 'with' | 'range';
  readonly pipeline: Pipeline;
  readonly body: Nodes;
  readonly otherwise: Nodes;
}
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: Pipeline }
  | { readonly kind: 'break' | 'continue' }
  | { readonly kind: 'template'; readonly name: string; readonly pipeline: Pipeline | null }
  | Block;
export type Nodes = readonly Node[];

export interface Template {
  readonly nodes: Nodes;
  /** By `define` and `block`. */
  readonly defined: ReadonlyMap<string, Nodes>;
}

/** How deep blocks, and parentheses within an action, may be nested. */
const MAX_DEPTH = 100;

/**
 * @param delimiters those of the job's block, `{{` and `}}` by default
 * @param checkFunction throws if there is no function of this name: in Go that is a mistake of the text, wherever it stands
 * @throws TemplateError
 */
export function parseTemplate(
  source: string,
  delimiters: readonly [string, string],
  checkFunction: (name: string) => void,
): Template {
  const reader = new Reader(split(source, delimiters), checkFunction);
  const { nodes, end } = reader.nodes();
  if (end !== undefined) throw new TemplateError(`unexpected {{${end}}}`);
  return { nodes, defined: reader.defined };
}

class Reader {
  readonly defined = new Map<string, Nodes>();
  private at = 0;
  private depth = 0;
  private loops = 0;

  constructor(
    private readonly pieces: readonly Piece[],
    private readonly checkFunction: (name: string) => void,
  ) {}

  /** Up to an `end` or `else` that belongs to somebody else. */
  nodes(): { readonly nodes: Node[]; readonly end: string | undefined } {
    const nodes: Node[] = [];
    for (let piece = this.pieces[this.at++]; piece !== undefined; piece = this.pieces[this.at++]) {
      const { kind, text } = piece;
      if (kind === 'text') {
        nodes.push({ kind, text });
        continue;
      }
      const [, word = '', rest = ''] = /^([a-z]+(?![\w.]))?\s*([^]*)$/.exec(text) ?? [];
      if (word === 'end' || word === 'else') return { nodes, end: text };
      const node = this.node(word, rest, text);
      if (node !== null) nodes.push(node);
    }
    return { nodes, end: undefined };
  }

  private node(word: string, rest: string, text: string): Node | null {
    switch (word) {
      case 'if':
      case 'with':
      case 'range':
        return this.block(word, rest);
      case 'break':
      case 'continue':
        if (this.loops === 0) throw new TemplateError(`{{${word}}} outside {{range}}`);
        return { kind: word };
      case 'define': {
        const { name } = this.named(word, rest);
        this.defined.set(name, this.definition(word));
        return null;
      }
      case 'block': {
        const { name, pipeline } = this.named(word, rest);
        this.defined.set(name, this.definition(word));
        return { kind: 'template', name, pipeline };
      }
      case 'template':
        return { kind: 'template', ...this.named(word, rest) };
      default:
        return { kind: 'print', pipeline: this.pipeline(text) };
    }
  }

  /** The name of a template in quotes, and what it is given. */
  private named(word: string, rest: string): { readonly name: string; readonly pipeline: Pipeline | null } {
    const [, quotedName = '', given = ''] = /^("(?:[^"\\\n]|\\.)*"|`[^`]*`)\s*([^]*)$/.exec(rest) ?? [];
    if (quotedName === '') throw new TemplateError(`{{${word}}} needs the name of a template`);
    return { name: unquoted(quotedName), pipeline: given === '' ? null : this.pipeline(given) };
  }

  private definition(word: string): Nodes {
    this.enter();
    const { loops } = this;
    this.loops = 0;
    const { nodes, end } = this.nodes();
    if (end !== 'end') throw new TemplateError(`{{${word}}} without {{end}}`);
    this.loops = loops;
    this.depth--;
    return nodes;
  }

  private block(kind: Block['kind'], text: string): Block {
    this.enter();
    const pipeline = this.pipeline(text);
    if (kind === 'range') this.loops++;
    const { nodes: body, end } = this.nodes();
    if (kind === 'range') this.loops--;
    const otherwise = this.otherwise(kind, end);
    this.depth--;
    return { kind, pipeline, body, otherwise };
  }

  private otherwise(kind: Block['kind'], end: string | undefined): Nodes {
    if (end === 'end') return [];
    if (end === undefined) throw new TemplateError(`{{${kind}}} without {{end}}`);
    const [, chained, text = ''] = /^else\s+(if|with)\s+([^]+)$/.exec(end) ?? [];
    if (chained === 'if' || chained === 'with') return [this.block(chained, text)];
    if (end !== 'else') throw new TemplateError(`unexpected {{${end}}}`);
    const { nodes, end: last } = this.nodes();
    if (last !== 'end') throw new TemplateError(`{{${kind}}} without {{end}}`);
    return nodes;
  }

  private enter(): void {
    if (++this.depth > MAX_DEPTH) throw new TemplateError('blocks are nested too deeply');
  }

  private pipeline(text: string): Pipeline {
    return new Action(tokensOf(text), this.checkFunction).whole();
  }
}

const isSymbol = (token: Token | undefined, text: string): boolean => token?.kind === 'symbol' && token.text === text;
const pathOf = (text: string): string[] => text.split('.').filter((name) => name !== '');

class Action {
  private at = 0;
  private depth = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly checkFunction: (name: string) => void,
  ) {}

  whole(): Pipeline {
    const pipeline = this.pipeline();
    const rest = this.tokens[this.at];
    if (rest !== undefined) throw new TemplateError(`unexpected ${JSON.stringify(rest.text)} in an action`);
    return pipeline;
  }

  private pipeline(): Pipeline {
    if (++this.depth > MAX_DEPTH) throw new TemplateError('parentheses are nested too deeply');
    const { names, declares } = this.target();
    const commands = [this.command()];
    while (isSymbol(this.tokens[this.at], '|')) {
      this.at++;
      commands.push(this.command());
    }
    this.depth--;
    return { commands, names, declares };
  }

  /** `$x :=`, `$k, $v :=`, `$x =`; nothing, if the action begins otherwise. */
  private target(): { readonly names: string[]; readonly declares: boolean } {
    const begin = this.at;
    const names: string[] = [];
    for (let token = this.tokens[this.at]; token?.kind === 'variable'; token = this.tokens[this.at]) {
      names.push(token.text);
      this.at++;
      if (names.length === 2 || !isSymbol(this.tokens[this.at], ',')) break;
      this.at++;
    }
    const sign = this.tokens[this.at];
    if (names.length > 0 && (isSymbol(sign, ':=') || isSymbol(sign, '='))) {
      this.at++;
      return { names, declares: isSymbol(sign, ':=') };
    }
    this.at = begin;
    return { names: [], declares: false };
  }

  private command(): Command {
    const operands: Operand[] = [];
    for (let token = this.tokens[this.at]; token !== undefined; token = this.tokens[this.at]) {
      if (isSymbol(token, '|') || isSymbol(token, ')')) break;
      operands.push(this.operand(token));
    }
    const [first, ...rest] = operands;
    if (first === undefined) throw new TemplateError('missing value for command');
    return [first, ...rest];
  }

  private operand(token: Token): Operand {
    this.at++;
    switch (token.kind) {
      case 'string':
        return { kind: 'literal', value: unquoted(token.text) };
      case 'number':
        return { kind: 'literal', value: token.value };
      case 'field':
        return { kind: 'field', path: pathOf(token.text) };
      case 'variable': {
        const [name = '$', ...path] = token.text.split('.');
        return { kind: 'variable', name, path };
      }
      case 'word':
        return this.word(token.text);
      case 'symbol':
        return this.parenthesis(token.text);
    }
  }

  private word(name: string): Operand {
    if (name === 'true' || name === 'false') return { kind: 'literal', value: name === 'true' };
    if (name === 'nil') return { kind: 'literal', value: null };
    this.checkFunction(name);
    return { kind: 'function', name };
  }

  private parenthesis(symbol: string): Operand {
    if (symbol !== '(') throw new TemplateError(`unexpected ${JSON.stringify(symbol)} in an action`);
    const pipeline = this.pipeline();
    if (!isSymbol(this.tokens[this.at], ')')) throw new TemplateError('unclosed left paren');
    this.at++;
    const next = this.tokens[this.at];
    const isPath = next?.kind === 'field' && next.isAttached && next.text !== '.';
    if (isPath) this.at++;
    return { kind: 'pipeline', pipeline, path: isPath ? pathOf(next.text) : [] };
  }
}
