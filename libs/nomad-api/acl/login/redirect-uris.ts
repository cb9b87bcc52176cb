const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** Whether a method may send people back to a URI. The port of a loopback address is the client's choice (RFC 8252 §7.3). */
export function mayRedirectTo(uri: string, allowed: readonly string[]): boolean {
  if (allowed.includes(uri)) return true;
  const loopback = withoutPort(uri);
  return loopback !== undefined && allowed.some((one) => withoutPort(one) === loopback);
}

/** Undefined: it is no http URI of a loopback address. */
function withoutPort(uri: string): string | undefined {
  const url = URL.parse(uri);
  if (url === null || url.protocol !== 'http:' || !LOOPBACK.has(url.hostname)) return undefined;
  url.port = '';
  return url.href;
}
