import { fail, ok, type Result } from '../../http/index.js';

/** Longest text that comes of a template. */
const MAX_LENGTH = 4096;
const NAME = /[a-zA-Z_][a-zA-Z0-9_.*-]*/y;
const SPACES = /[ \t\r\n]*/y;

/** `line:column` of a position, both from 1, as HIL counts them. */
function placeOf(template: string, position: number): string {
  const before = template.slice(0, position).split('\n');
  return `${before.length}:${Array.from(before.at(-1)!).length + 1}`;
}

/**
 * The text with its variables put in: `${value.team}`; `$${` stands for `${` itself. Of HIL, which Nomad takes, names of rules and tokens use
 * nothing else.
 */
export function interpolate(template: string, variables: ReadonlyMap<string, string>): Result<string> {
  const parts: string[] = [];
  let position = 0;
  const match = (pattern: RegExp): string => {
    pattern.lastIndex = position;
    const found = pattern.exec(template)?.[0] ?? '';
    position += found.length;
    return found;
  };
  for (;;) {
    const dollar = template.indexOf('${', position);
    if (dollar < 0) break;
    if (template.charAt(dollar - 1) === '$' && dollar > position) {
      parts.push(template.slice(position, dollar - 1), '${');
      position = dollar + 2;
      continue;
    }
    parts.push(template.slice(position, dollar));
    position = dollar + 2;
    match(SPACES);
    const start = position;
    const name = match(NAME);
    match(SPACES);
    if (name === '' || template.charAt(position) !== '}')
      return fail(`${placeOf(template, position)}: expected a variable and "}"`);
    position++;
    const value = variables.get(name);
    if (value === undefined) return fail(`${placeOf(template, start)}: unknown variable accessed: ${name}`);
    parts.push(value);
  }
  parts.push(template.slice(position));
  const text = parts.join('');
  return text.length > MAX_LENGTH ? fail(`longer than ${MAX_LENGTH} characters`) : ok(text);
}
