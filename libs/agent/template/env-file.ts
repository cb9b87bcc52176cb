import { TemplateError } from './template-error.js';

const LINE = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=([^]*)$/;
const PIECE = /"((?:[^"\\]|\\.)*)"|'([^']*)'|(#)[^]*$|([^"'#]+)/y;

/**
 * The variables of a template with `env = true`: a line each, `NAME=value`, whose value may be quoted as in a shell (within double quotes with
 * the escapes of JSON) and be followed by a comment.
 * @throws TemplateError which names the line
 */
export function parseEnvironment(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const [number, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, value = ''] = LINE.exec(line) ?? [];
    if (name === undefined) throw new TemplateError(`line ${number + 1}: a variable is NAME=value`);
    variables.set(name, valueOf(value, number + 1));
  }
  return variables;
}

function valueOf(text: string, line: number): string {
  const parts: string[] = [];
  const whole = text.trim();
  for (let at = 0; at < whole.length; at = PIECE.lastIndex) {
    PIECE.lastIndex = at;
    const found = PIECE.exec(whole);
    if (found === null) throw new TemplateError(`line ${line}: unclosed quote`);
    const [, double, single, comment, plain = ''] = found;
    const isLast = PIECE.lastIndex === whole.length || whole[PIECE.lastIndex] === '#';
    if (double !== undefined) parts.push(unescaped(double, line));
    else if (comment === undefined) parts.push(single ?? (isLast ? plain.trimEnd() : plain));
  }
  return parts.join('');
}

function unescaped(text: string, line: number): string {
  try {
    return JSON.parse(`"${text.replace(/[\t]/g, String.raw`\t`)}"`) as string;
  } catch {
    throw new TemplateError(`line ${line}: invalid escape in a double-quoted value`);
  }
}
