/** Percent-decoding as Go's net/url: undefined for a broken escape; bytes that are no UTF-8 become U+FFFD instead of failing. */
export function percentDecode(text: string): string | undefined {
  if (!text.includes('%')) return text;
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  const parts = text.split(/%([0-9a-f]{2})/i);
  const bytes = parts.map((part, i) =>
    i % 2 === 1 ? Buffer.of(Number.parseInt(part, 16)) : Buffer.from(part, 'utf8'),
  );
  return Buffer.concat(bytes).toString('utf8');
}
