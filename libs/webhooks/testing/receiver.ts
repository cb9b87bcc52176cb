import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** What a receiver was told. */
export interface Told {
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly Topic: string;
    readonly Type: string;
    readonly Key: string;
    readonly Index: number;
    readonly Namespace: string;
    readonly Payload: Readonly<Record<string, { readonly ID?: string } | undefined>>;
    readonly Meta: { readonly Actor: string; readonly Reason: string };
  };
}

/** A server that notes what it is told, and answers as it is told to. */
export interface Receiver {
  readonly url: string;
  /** What it has taken: answered with a status of 2xx. */
  readonly taken: Told[];
  /** Everything it was sent. */
  readonly told: Told[];
  /** The status to answer with; 0: nothing is ever answered. */
  answer: (told: Told) => number;
  /** Whether all that came was signed by one of these secrets; told here, as a test would not see an exception of the server. */
  isSignedBy(...secrets: readonly string[]): boolean;
  close(): void;
}

export async function startReceiver(): Promise<Receiver> {
  const bodies: [Told, string][] = [];
  const server = createServer((request, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const { headers } = request;
      const told: Told = { id: String(headers['webhook-id']), headers, body: JSON.parse(text) as Told['body'] };
      bodies.push([told, text]);
      receiver.told.push(told);
      const status = receiver.answer(told);
      if (status === 0) return;
      if (status >= 200 && status < 300) receiver.taken.push(told);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`,
    taken: [],
    told: [],
    answer: () => 204,
    isSignedBy: (...secrets) =>
      bodies.every(([{ headers }, text]) =>
        secrets.some((secret) => {
          try {
            new Webhook(secret).verify(text, headers as Record<string, string>);
            return true;
          } catch {
            return false;
          }
        }),
      ),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return receiver;
}
