import type { Index } from '@app/kernel';
import { setTimeout as delay } from 'node:timers/promises';
import { POLL_MS, RECONNECT_MAX_MS, STANDBY_POLL_MS } from '../limits.js';
import { connect, type Connection } from './connection.js';

// A notification is only a hint that comes sooner than the poll: it may be lost with its connection, and the poll then finds the head. Heads
// are reported in ascending order, each once.

/**
 * Calls back whenever the head of the log has risen: at once by LISTEN, and by a poll in case that was missed. One connection, made anew
 * when it is lost. `onHeard` is called by each poll that the store has answered. The returned function ends it.
 */
export async function listenForHead(
  url: string,
  readHead: () => Promise<Index>,
  onWake: (head: Index) => void,
  onHeard: () => void = () => undefined,
): Promise<() => Promise<void>> {
  const ending = new AbortController();
  let connection: Connection | undefined;
  let latest = await readHead();

  const wake = (head: Index): void => {
    if (head <= latest || ending.signal.aborted) return;
    latest = head;
    onWake(head);
  };
  // A store that does not answer now is asked again by the next poll.
  const poll = async (): Promise<void> =>
    readHead().then(
      (head) => {
        onHeard();
        wake(head);
      },
      () => undefined,
    );

  const listen = async (): Promise<void> => {
    const made = await connect(url);
    made.client.on('notification', ({ payload }) => wake(Number(payload)));
    made.client.on('end', () => {
      if (connection === made) connection = undefined;
    });
    connection = made;
    await made.client.query('LISTEN rollbook_head');
  };
  const keepListening = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      if (connection === undefined) await listen().catch(() => connection?.drop());
      await poll();
      await delay(connection === undefined ? RECONNECT_MAX_MS / 4 : POLL_MS, undefined, {
        signal: ending.signal,
      }).catch(() => undefined);
    }
  };

  await listen().catch(() => connection?.drop());
  const kept = keepListening();
  return async () => {
    ending.abort();
    await kept;
    await connection?.client.end();
  };
}

/** The same for a standby, where nobody can LISTEN: by polls alone, more of them. */
export async function pollForHead(
  readHead: () => Promise<Index>,
  onWake: (head: Index) => void,
  onHeard: () => void = () => undefined,
): Promise<() => Promise<void>> {
  const ending = new AbortController();
  let latest = await readHead();
  const keepPolling = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const head = await readHead().catch(() => undefined);
      if (head !== undefined) {
        onHeard();
        if (head > latest && !ending.signal.aborted) onWake((latest = head));
      }
      await delay(STANDBY_POLL_MS, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  };
  const kept = keepPolling();
  return async () => {
    ending.abort();
    await kept;
  };
}
