import { batch, signal } from '@preact/signals';
// The bundler makes the address of the built script its default export.
// oxlint-disable-next-line import/default
import workerUrl from './stream-worker.ts?sharedworker&url';
import { token } from './settings.ts';
import { follow, type StreamNews, type Touched } from './follow.ts';

export const head = signal(-1);
export const streamState = signal<StreamNews['state'] | 'connecting'>('connecting');
/** When the stream last said anything, ms since the epoch. */
export const heardAt = signal(Date.now());
/** One tick a second for everything that says how long ago. */
export const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 1000);

/** Updates wait until they are wanted again. */
export const isHeld = signal(false);

/** `isFresh`: what was told before may have gaps; `from`: the first commit that was not told before. */
type Listener = (touched: readonly Touched[], isFresh: boolean, from: number) => void;
const listeners = new Set<Listener>();
let told = -1;
/** Up to which commit everything has been told to the page; it stands still while updates are held back. -1: nothing is known. */
export const toldIndex = (): number => told;
let gathered: Touched[] = [];
let isFresh = false;
let timer: ReturnType<typeof setTimeout> | undefined;

/** What came within this time is drawn at once. */
const FRAME_MS = 50;

function tellAll(): void {
  timer = undefined;
  if (isHeld.value) return;
  const from = told + 1;
  told = head.value;
  if (gathered.length === 0 && !isFresh) return;
  const [events, wasCut] = [gathered, isFresh];
  gathered = [];
  isFresh = false;
  batch(() => {
    for (const listener of listeners) listener(events, wasCut, from);
  });
}

export function hold(wanted: boolean): void {
  // What has come is still told: its index stands beside it.
  if (wanted) tellAll();
  isHeld.value = wanted;
  if (wanted) return;
  // What was held back may be more than is worth keeping: everything is read anew.
  isFresh = true;
  tellAll();
}

function apply({ head: index, state, events }: StreamNews): void {
  if (streamState.value !== 'live' && state === 'live') isFresh = true;
  batch(() => {
    if (state === 'live') heardAt.value = Date.now();
    streamState.value = state;
    head.value = Math.max(head.value, index);
  });
  if (!isHeld.value) gathered.push(...events);
  timer ??= setTimeout(tellAll, FRAME_MS);
}

/** Calls back when something a page shows may have changed. The returned function ends that. */
export function onTouched(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

interface TrustedPolicy {
  createScriptURL(url: string): string;
}
declare global {
  interface Window {
    readonly trustedTypes?: { createPolicy(name: string, rules: TrustedPolicy): TrustedPolicy };
  }
}

async function nameOf(secret: string): Promise<string> {
  // Without a secure context there is no digest; then each tab has a stream of its own.
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret));
  return `rollbook ${[...new Uint8Array(digest).slice(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

export async function startStream(): Promise<void> {
  try {
    const name = await nameOf(token.value);
    const policy = window.trustedTypes?.createPolicy('rollbook', { createScriptURL: () => workerUrl });
    const worker = new SharedWorker(policy?.createScriptURL(workerUrl) ?? workerUrl, { type: 'module', name });
    worker.port.addEventListener('message', ({ data }: MessageEvent<StreamNews>) => apply(data));
    worker.port.start();
    worker.port.postMessage({ token: token.value });
    window.addEventListener('pagehide', () => worker.port.postMessage('bye'));
  } catch {
    follow(token.value, apply);
  }
}
