/** The bytes that structure JSON. */
export const QUOTE = 0x22;
export const PLUS = 0x2b;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const DOT = 0x2e;
export const ZERO = 0x30;
export const COLON = 0x3a;
export const UPPER_E = 0x45;
export const OPEN_ARRAY = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_ARRAY = 0x5d;
export const LOWER_E = 0x65;
export const LOWER_F = 0x66;
export const LOWER_N = 0x6e;
export const LOWER_T = 0x74;
export const LOWER_U = 0x75;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;

type MaybeByte = number | undefined;
export const isSpace = (byte: MaybeByte): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
export const isDigit = (byte: MaybeByte): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;
export const isHex = (byte: MaybeByte): boolean =>
  isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
/** What a number may consist of. */
export const isNumeric = (byte: MaybeByte): boolean =>
  isDigit(byte) || byte === MINUS || byte === PLUS || byte === DOT || byte === LOWER_E || byte === UPPER_E;
