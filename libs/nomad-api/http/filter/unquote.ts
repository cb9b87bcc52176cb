import { ownProperty } from '@app/kernel';
const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};
const ESCAPE = /\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/y;

/** strconv.Unquote for a text in backquotes or double quotes; undefined where Go calls it invalid. */
export function unquote(quoted: string): string | undefined {
  const inner = quoted.slice(1, -1);
  if (quoted.startsWith('`')) return inner.replaceAll('\r', '');
  if (inner.includes('\n')) return undefined;
  if (!inner.includes('\\')) return inner;
  const bytes: Buffer[] = [];
  let position = 0;
  while (position < inner.length) {
    const next = inner.indexOf('\\', position);
    const plainEnd = next < 0 ? inner.length : next;
    bytes.push(Buffer.from(inner.slice(position, plainEnd), 'utf8'));
    if (next < 0) break;
    ESCAPE.lastIndex = next;
    const escape = ESCAPE.exec(inner);
    const decoded = escape && decodeEscape(escape);
    if (!decoded) return undefined;
    bytes.push(decoded);
    position = ESCAPE.lastIndex;
  }
  return Buffer.concat(bytes).toString('utf8');
}

function decodeEscape([, simple, hex, octal, short, long]: RegExpExecArray): Buffer | undefined {
  if (simple !== undefined) return Buffer.from(ownProperty(SIMPLE, simple) ?? '');
  if (hex !== undefined) return Buffer.of(Number.parseInt(hex, 16));
  if (octal !== undefined) {
    const byte = Number.parseInt(octal, 8);
    return byte > 0xff ? undefined : Buffer.of(byte);
  }
  const code = Number.parseInt(short ?? long ?? '', 16);
  const isSurrogate = code >= 0xd800 && code < 0xe000;
  return code > 0x10ffff || isSurrogate ? undefined : Buffer.from(String.fromCodePoint(code));
}
