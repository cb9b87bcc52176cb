import { fail, ok, type Result } from '../result.js';

const ALPHABET = /[A-Za-z0-9+/]/;

/** Go's StdEncoding over a text: line breaks are skipped, padding is required, and the first byte that is wrong is named. Answers the canonical text. */
export function canonicalBase64(text: string): Result<string> {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const corruptAt = (offset: number) => fail(`illegal base64 data at input byte ${offset}`);
  const skipLineBreaks = (from: number): number => {
    let pos = from;
    while (bytes[pos] === '\n' || bytes[pos] === '\r') pos++;
    return pos;
  };
  let pos = 0;
  let inQuantum = 0;
  for (;;) {
    pos = skipLineBreaks(pos);
    const char = bytes[pos];
    if (char === undefined) {
      if (inQuantum === 0) return ok(Buffer.from(text, 'base64').toString('base64'));
      return corruptAt(pos - inQuantum);
    }
    if (char === '=') break;
    if (!ALPHABET.test(char)) return corruptAt(pos);
    pos++;
    inQuantum = (inQuantum + 1) % 4;
  }
  if (inQuantum < 2) return corruptAt(pos);
  pos++;
  if (inQuantum === 2) {
    pos = skipLineBreaks(pos);
    if (pos === bytes.length) return corruptAt(pos);
    if (bytes[pos] !== '=') return corruptAt(pos - 1);
    pos++;
  }
  pos = skipLineBreaks(pos);
  return pos < bytes.length ? corruptAt(pos) : ok(Buffer.from(text, 'base64').toString('base64'));
}
