import type { Socket } from 'node:net';

/** Reads HTTP/1.1 answers off a connection, at little cost; one ends where its Content-Length says. `onAnswer` gets the head of each, once all of it has come. */
export function readAnswers(socket: Socket, onAnswer: (head: string) => void, onError: (error: Error) => void): void {
  let head = '';
  let missing = -1;
  socket.on('error', onError);
  socket.on('data', (chunk) => {
    if (missing >= 0) missing -= chunk.length;
    else {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = /content-length: (\d+)/i.exec(head);
      if (length === null) return onError(new Error(`an answer without length: ${head.slice(0, 200)}`));
      missing = Number(length[1]) - (head.length - end - 4);
    }
    if (missing > 0) return;
    const whole = head;
    [head, missing] = ['', -1];
    onAnswer(whole);
  });
}
