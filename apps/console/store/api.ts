import { token } from './settings.ts';

/** An answer that is no success: the server's text, verbatim. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    text: string,
  ) {
    super(text);
  }
}

const headers = (): Record<string, string> => (token.value === '' ? {} : { 'X-Nomad-Token': token.value });

async function checked(answer: Response): Promise<Response> {
  if (answer.ok) return answer;
  throw new Refused(answer.status, (await answer.text()) || `the server answered ${answer.status}`);
}

export async function read<T>(path: string): Promise<T> {
  const answer = await checked(await fetch(path, { headers: headers(), cache: 'no-store' }));
  return (await answer.json()) as T;
}

export async function readText(path: string): Promise<string> {
  return (await checked(await fetch(path, { headers: headers(), cache: 'no-store' }))).text();
}

/** RFC 8187: what else a header cannot carry. */
const extended = (text: string): string =>
  `UTF-8''${encodeURIComponent(text).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)}`;

/** Sends a command; asked again with the same key it counts once. */
export async function act(path: string, body: object, reason: string, key: string): Promise<void> {
  await checked(
    await fetch(path, {
      method: 'PUT',
      headers: {
        ...headers(),
        'Content-Type': 'application/json',
        'Idempotency-Key': key,
        ...(reason === '' ? {} : { 'X-Rollbook-Reason*': extended(reason) }),
      },
      body: JSON.stringify(body),
    }),
  );
}

/** A key for one intention. */
export const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
