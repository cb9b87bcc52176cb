import { effect, signal } from '@preact/signals';
import { asOf } from './go.ts';
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

const NOT_SERVED = 501;

export interface Indexed<T> {
  readonly value: T;
  /** As of which commit the answer is; 0: it did not say. */
  readonly index: number;
}

const headers = (): Record<string, string> => (token.value === '' ? {} : { 'X-Nomad-Token': token.value });

async function checked(answer: Response): Promise<Response> {
  if (answer.ok) return answer;
  throw new Refused(answer.status, (await answer.text()) || `the server answered ${answer.status}`);
}

/** The page's moment, if it is of the past, is part of every question. */
export const atMoment = (path: string): string =>
  asOf.value === undefined ? path : `${path}${path.includes('?') ? '&' : '?'}as_of=${encodeURIComponent(asOf.value)}`;

const ask = async (path: string, signal?: AbortSignal): Promise<Response> =>
  checked(await fetch(path, { headers: headers(), cache: 'no-store', ...(signal ? { signal } : {}) }));

/** The index of the moment that is shown, once an answer has told it; of a moment given as an index, that. */
export const shownIndex = signal(-1);
effect(() => {
  const moment = asOf.value;
  if (moment !== undefined && /^\d+$/.test(moment)) shownIndex.value = Number(moment);
});

export async function readIndexed<T>(path: string): Promise<Indexed<T>> {
  const answer = await ask(atMoment(path));
  const then = answer.headers.get('X-Rollbook-As-Of');
  if (then !== null) shownIndex.value = Number(then);
  // The present must not be taken for the past.
  else if (asOf.value !== undefined) throw new Refused(NOT_SERVED, `${path.split('?')[0]} is not told as of the past`);
  return { value: (await answer.json()) as T, index: Number(answer.headers.get('X-Nomad-Index') ?? 0) };
}

/** What is so now, whatever moment the page shows. */
export const readNow = async <T>(path: string): Promise<T> => (await (await ask(path)).json()) as T;
export const readText = async (path: string): Promise<string> => (await ask(path)).text();

/** A text as it comes in. @throws Refused; what `signal` ends throws an AbortError. */
export async function readStream(path: string, signal: AbortSignal, take: (text: string) => void): Promise<void> {
  const answer = await ask(path, signal);
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    take(value);
  }
}

/** A question that is asked with a body. */
export async function find<T>(path: string, body: object): Promise<T> {
  const answer = await fetch(path, { method: 'PUT', headers: headers(), body: JSON.stringify(body) });
  return (await (await checked(answer)).json()) as T;
}

/** RFC 8187: what else a header cannot carry. */
const extended = (text: string): string =>
  `UTF-8''${encodeURIComponent(text).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)}`;

export interface Command {
  readonly method?: 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  /** Is given the answer. */
  readonly taken?: (answer: string) => void;
}

/** How a command is sent: with its reason, the index that was seen, and the key under which it counts once. */
export interface Terms {
  readonly reason: string;
  readonly seen: number;
  readonly key: string;
}

/** Sends a command. @throws Refused, 412 if what it acts on has changed since `seen`; anything else: unknown whether it arrived. */
export async function act(
  { method = 'PUT', path, body, taken }: Command,
  { reason, seen, key }: Terms,
): Promise<number> {
  const answer = await checked(
    await fetch(path, {
      method,
      headers: {
        ...headers(),
        'Content-Type': 'application/json',
        'Idempotency-Key': key,
        ...(seen < 0 ? {} : { 'X-Rollbook-If-Index': String(seen) }),
        ...(reason === '' ? {} : { 'X-Rollbook-Reason*': extended(reason) }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
  taken?.(await answer.text());
  return Number(answer.headers.get('X-Nomad-Index') ?? 0);
}

/** A key for one intention. */
export const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
