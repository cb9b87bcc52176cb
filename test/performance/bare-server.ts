import { fork } from 'node:child_process';
import { freePort } from '../support/server-process.js';

/** Raw Fastify in a process of its own, that answers everything with the same bytes: what a read costs at least. */
export async function startBareServer(bytes: Buffer): Promise<{ readonly port: number; readonly stop: () => void }> {
  const port = await freePort();
  const child = fork(__filename, [String(port)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  await new Promise<void>((resolve) => {
    child.once('message', () => resolve());
    child.send(bytes);
  });
  return { port, stop: () => child.kill() };
}

if (process.argv[1] === __filename) {
  process.once('message', (bytes: Uint8Array) => {
    void (async () => {
      const { fastify } = await import('fastify');
      const app = fastify();
      const body = Buffer.from(bytes);
      app.get('/v1/*', (_request, reply) => reply.header('Content-Type', 'application/json').send(body));
      await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
      process.send!('ready');
    })();
  });
}
