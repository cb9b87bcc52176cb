import { MAX_DEPTH } from '../budget.js';
import { HclError, type Diagnostics } from '../diagnostics.js';
import { rangeBetween, type Range, type Source } from '../source.js';
import type { JsonMember, JsonNode, JsonObjectNode } from './json-node.js';

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const KEYWORD = /[A-Za-z]+/y;
const KEYWORDS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** Whether a text is of HCL's JSON syntax rather than of the native one. */
export const isJson = (text: string): boolean => /^\ufeff?\s*\{/.test(text);

/** Parses a JSON text that is an object. What is wrong goes into the diagnostics; null: there is no object. */
export function parseJson(source: Source, diagnostics: Diagnostics): JsonObjectNode | null {
  try {
    return new JsonParser(source).whole();
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    diagnostics.add(error.summary, error.message, error.range);
    return null;
  }
}

class JsonFault extends Error {
  constructor(
    readonly summary: string,
    detail: string,
    readonly range: Range,
  ) {
    super(detail);
  }
}

class JsonParser {
  private at = 0;
  private depth = 0;

  constructor(private readonly source: Source) {}

  whole(): JsonObjectNode {
    this.space();
    const node = this.object();
    this.space();
    if (this.at < this.source.text.length)
      throw new JsonFault('Extraneous data after value', 'Extra characters appear after the JSON value.', this.here());
    return node;
  }

  private value(): JsonNode {
    if (++this.depth > MAX_DEPTH) throw new HclError('the JSON is nested too deeply');
    const node = this.node();
    this.depth -= 1;
    return node;
  }

  private node(): JsonNode {
    switch (this.source.text[this.at]) {
      case '{':
        return this.object();
      case '[':
        return this.array();
      case '"': {
        const { text, range } = this.string();
        return { kind: 'string', text, range };
      }
      default:
    }
    const digits = this.match(NUMBER);
    if (digits !== undefined) return { kind: 'number', digits: digits.text, range: digits.range };
    const word = this.match(KEYWORD);
    const value = KEYWORDS.get(word?.text ?? '');
    if (word !== undefined && value !== undefined) return { kind: 'keyword', value, range: word.range };
    if (word !== undefined)
      throw new JsonFault('Invalid JSON keyword', `"${word.text}" is not a valid JSON keyword.`, word.range);
    throw new JsonFault(
      'Missing JSON value',
      'A JSON value must start with a brace, a bracket, a number, a string, or a keyword.',
      this.here(),
    );
  }

  private object(): JsonObjectNode {
    const open = this.symbol('{', 'Missing JSON object', 'A JSON object must begin with an opening brace ("{").');
    const members: JsonMember[] = [];
    this.space();
    while (!this.isAt('}')) {
      if (members.length > 0) {
        this.symbol(
          ',',
          'Missing attribute separator comma',
          'A property value must be followed by a comma or by a closing brace ("}").',
        );
        this.space();
      }
      if (!this.isAt('"'))
        throw new JsonFault(
          'Invalid object property name',
          'A JSON object property name must be a string in double quotes.',
          this.here(),
        );
      const { text: name, range: nameRange } = this.string();
      this.space();
      this.symbol(
        ':',
        'Missing property value colon',
        "A colon must appear between an object property's name and its value.",
      );
      this.space();
      members.push({ name, nameRange, value: this.value() });
      this.space();
    }
    this.at += 1;
    return { kind: 'object', members, range: rangeBetween(open, this.last()), open };
  }

  private array(): JsonNode {
    const open = this.symbol('[', '', '');
    const items: JsonNode[] = [];
    this.space();
    while (!this.isAt(']')) {
      if (items.length > 0) {
        this.symbol(
          ',',
          'Missing attribute separator comma',
          'A value must be followed by a comma or by a closing bracket ("]").',
        );
        this.space();
      }
      items.push(this.value());
      this.space();
    }
    this.at += 1;
    return { kind: 'array', items, range: rangeBetween(open, this.last()), open };
  }

  private string(): { readonly text: string; readonly range: Range } {
    const found = this.match(STRING);
    if (found === undefined)
      throw new JsonFault(
        'Unterminated JSON string',
        'There is no closing quote, or a character that must be escaped, in this string.',
        this.here(),
      );
    return { text: JSON.parse(found.text) as string, range: found.range };
  }

  private symbol(symbol: string, summary: string, detail: string): Range {
    if (!this.isAt(symbol)) throw new JsonFault(summary, detail, this.here());
    this.at += 1;
    return this.last();
  }

  private isAt(symbol: string): boolean {
    return this.source.text[this.at] === symbol;
  }

  private space(): void {
    SPACE.lastIndex = this.at;
    this.at += SPACE.exec(this.source.text)![0].length;
  }

  private match(pattern: RegExp): { readonly text: string; readonly range: Range } | undefined {
    pattern.lastIndex = this.at;
    const text = pattern.exec(this.source.text)?.[0];
    if (text === undefined) return undefined;
    const range = this.source.range(this.at, this.at + text.length);
    this.at += text.length;
    return { text, range };
  }

  /** The character before. */
  private last(): Range {
    return this.source.range(this.at - 1, this.at);
  }

  private here(): Range {
    return this.source.range(this.at, Math.min(this.at + 1, this.source.text.length));
  }
}
