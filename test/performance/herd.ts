import { connect, type Socket } from 'node:net';
import { readAnswers } from './answers.js';

/** Readers that have asked and wait for their answers, each on a connection of its own. */
export interface Herd {
  /** Milliseconds since a moment until each had its whole answer, in order. */
  readonly answered: (since: number) => Promise<readonly number[]>;
}

const CONNECTED_AT_ONCE = 100;

/** Sends the same request on many connections, and comes back when all have been sent. */
export async function startHerd(port: number, count: number, path: string): Promise<Herd> {
  const endings: Promise<number>[] = [];
  for (let i = 0; i < count; i += CONNECTED_AT_ONCE) {
    const some = Array.from({ length: Math.min(CONNECTED_AT_ONCE, count - i) }, () => connected(port));
    for (const socket of await Promise.all(some)) {
      endings.push(answer(socket));
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    }
  }
  return {
    answered: async (since) => (await Promise.all(endings)).map((at) => at - since).sort((a, b) => a - b),
  };
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** When the answer was there as a whole; the connection is closed then. */
function answer(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    const ended = (head: string): void => {
      if (head.startsWith('HTTP/1.1 200')) resolve(performance.now());
      else reject(new Error(head.slice(0, 200)));
      socket.destroy();
    };
    readAnswers(socket, ended, reject);
  });
}
