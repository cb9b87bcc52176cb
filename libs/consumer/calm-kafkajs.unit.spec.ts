import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';
import { calmKafkajs } from './calm-kafkajs.js';

/** Answers ApiVersions (18): it speaks Metadata (3) up to version 6. Asked for that it says nothing. */
function broker(socket: Socket): void {
  const versions = (correlation: number): Buffer => {
    const body = Buffer.alloc(4 + 4 + 2 + 4 + 2 * 6);
    body.writeInt32BE(body.length - 4, 0);
    body.writeInt32BE(correlation, 4);
    body.writeInt32BE(2, 10);
    for (const [at, key, most] of [
      [14, 18, 0],
      [20, 3, 6],
    ] as const) {
      body.writeInt16BE(key, at);
      body.writeInt16BE(most, at + 4);
    }
    return body;
  };
  socket.on('error', () => undefined);
  socket.on('data', (request) => {
    if (request.readInt16BE(4) === 18) socket.write(versions(request.readInt32BE(8)));
  });
}

test('a connection to Kafka sets no timer for the past, so that Node has nothing to warn of', async () => {
  calmKafkajs();
  const timers = jest.spyOn(globalThis, 'setTimeout');
  const server = createServer(broker).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const brokers = [`127.0.0.1:${(server.address() as AddressInfo).port}`];
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, requestTimeout: 200, retry: { retries: 0 } }).admin();
  try {
    await admin.connect();
    await expect(admin.listTopics()).rejects.toThrow('Request Metadata');
  } finally {
    await admin.disconnect();
    server.close();
  }
  const delays = timers.mock.calls.map(([, ms]) => ms ?? 0);
  timers.mockRestore();
  expect(delays.length).toBeGreaterThan(0);
  expect(delays.filter((ms) => ms < 0)).toEqual([]);
});
