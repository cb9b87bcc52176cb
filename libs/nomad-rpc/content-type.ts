/** With these no browser runs what a task has written. spec/http-api-client §2.3. */
export const SAFE_HEADERS = {
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  'X-Content-Type-Options': 'nosniff',
  'X-XSS-Protection': '1; mode=block',
} as const;

const BY_EXTENSION: ReadonlyMap<string, string> = new Map([
  ['.css', 'text/css; charset=utf-8'],
  ['.csv', 'text/csv; charset=utf-8'],
  ['.gif', 'image/gif'],
  ['.jpeg', 'image/jpeg'],
  ['.jpg', 'image/jpeg'],
  ['.json', 'application/json'],
  ['.md', 'text/markdown; charset=utf-8'],
  ['.pdf', 'application/pdf'],
  ['.png', 'image/png'],
  ['.txt', 'text/plain; charset=utf-8'],
  ['.webp', 'image/webp'],
  ['.yaml', 'application/yaml'],
  ['.yml', 'application/yaml'],
]);
const MAGIC: readonly (readonly [string, string])[] = [
  ['89504e470d0a1a0a', 'image/png'],
  ['ffd8ff', 'image/jpeg'],
  ['474946383761', 'image/gif'],
  ['474946383961', 'image/gif'],
  ['25504446', 'application/pdf'],
  ['1f8b08', 'application/x-gzip'],
  ['504b0304', 'application/zip'],
];
/** Bytes that no text holds. */
const IS_BINARY = /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/** What a browser would run. */
const RUN: ReadonlyMap<string, string> = new Map([
  ['.htm', 'text/html; charset=utf-8'],
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.mjs', 'text/javascript; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.wasm', 'application/wasm'],
  ['.xhtml', 'application/xhtml+xml'],
  ['.xml', 'text/xml; charset=utf-8'],
]);
const extensionOf = (path: string): string => /\.[^./]*$/.exec(path)?.[0].toLowerCase() ?? '';

/** The type under which a file is handed out: never one that a browser would run. */
export const safeContentType = (path: string, head: Buffer): string =>
  RUN.has(extensionOf(path)) ? 'text/plain' : contentTypeOf(path, head);

/** The type of a file by its name and its first bytes. */
export function contentTypeOf(path: string, head: Buffer): string {
  const extension = extensionOf(path);
  const named = BY_EXTENSION.get(extension) ?? RUN.get(extension);
  if (named !== undefined) return named;
  const start = head.toString('hex');
  const known = MAGIC.find(([magic]) => start.startsWith(magic));
  if (known !== undefined) return known[1];
  return IS_BINARY.test(head.toString('latin1')) ? 'application/octet-stream' : 'text/plain; charset=utf-8';
}
