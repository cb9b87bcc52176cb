import { visible } from '@app/kernel';

interface LogRecord {
  readonly level: string;
  readonly time: string;
  readonly msg?: string;
  readonly err?: { readonly stack?: string; readonly message?: string };
  readonly [field: string]: unknown;
}

const LEVEL_WIDTH = 5;
const isPlain = (text: string): boolean => /^[\w./:@+-]+$/.test(text);

function field(name: string, value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return ` ${name}=${visible(isPlain(text) || typeof value !== 'string' ? text : JSON.stringify(text))}`;
}

/** One JSON line of the log as people read it: time of day, level, message, fields; an error's stack on lines of its own. */
export function readableLine(json: string): string {
  const { level, time, msg = '', err, ...fields } = JSON.parse(json) as LogRecord;
  const shown = Object.entries(fields)
    .map(([name, value]) => field(name, value))
    .join('');
  const trace = err ? `\n    ${(err.stack ?? err.message ?? '').split('\n').map(visible).join('\n    ')}` : '';
  return `${time.slice(11, 23)} ${level.padEnd(LEVEL_WIDTH)} ${visible(msg)}${shown}${trace}\n`;
}
