/*
 * Texts in headers. Node reads and writes headers as Latin-1 and refuses the rest; Go, curl and browsers send and expect UTF-8 bytes. RFC 8187
 * spells what fits into neither: `name*: UTF-8''percent%20encoded`.
 */

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** A text as a header carries it: its UTF-8 bytes; what no header can hold (newlines, control characters) is a space, as in Go. */
export const headerText = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  Buffer.from(text.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, ' '), 'utf8').toString('latin1');

/** What a header as Node gives it says: UTF-8 where its bytes are that, else Latin-1 as older browsers send it. */
export function textOfHeader(raw: string): string {
  try {
    return UTF8.decode(Buffer.from(raw, 'latin1'));
  } catch {
    return raw;
  }
}

/** The value of a header whose name ends with `*` (RFC 8187), undefined when it is none. */
export function textOfExtendedHeader(raw: string): string | undefined {
  const encoded = /^utf-8'[A-Za-z0-9-]*'((?:%[0-9A-Fa-f]{2}|[A-Za-z0-9!#$&+.^_`|~-])*)$/i.exec(raw.trim())?.[1];
  if (encoded === undefined) return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

const UNHEADED = /[^\t\x20-\x7e\u0080-\u{10ffff}]/u;
/** No namespace and no index begins like this. */
const MARK = '=';

/** A token of a list for its header. One with control characters comes as base64 behind a mark, since it must come back as it was. */
export const tokenForHeader = (token: string): string =>
  UNHEADED.test(token) ? MARK + Buffer.from(token, 'utf8').toString('base64url') : headerText(token);

/** The token that a client sends back. */
export function tokenFromClient(sent: string): string {
  if (!sent.startsWith(MARK)) return sent;
  const token = Buffer.from(sent.slice(MARK.length), 'base64url').toString('utf8');
  return UNHEADED.test(token) ? token : sent;
}
