import Fastify, { type FastifyInstance } from 'fastify';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendError } from '../edge/nomad-error.filter.js';
import { LogLines, MonitorController } from './monitor.controller.js';
import type { Forwarding } from '../client/forwarding.js';
import type { Objects } from '../edge/objects.js';
import type { Servers } from './servers.js';

const line = (level: string, msg: string): string =>
  `${JSON.stringify({ level, time: '2026-01-02T03:04:05.678Z', node: 'a b', msg })}\n`;

/** A log that is written by hand. */
class HandWritten extends LogLines {
  readonly followers = new Set<(line: string) => void>();
  follow(onLine: (line: string) => void): () => void {
    this.followers.add(onLine);
    return () => void this.followers.delete(onLine);
  }
  write(text: string): void {
    for (const follower of this.followers) follower(text);
  }
}

describe('The log of a server as it goes on', () => {
  const log = new HandWritten();
  const servers = { list: () => Promise.resolve([{ id: 'me/1/a', name: 'me', isSelf: true, isLeader: true }]) };
  const objects = { states: () => Promise.resolve([undefined]) };
  const controller = new MonitorController(
    log,
    servers as unknown as Servers,
    objects as unknown as Objects,
    {} as unknown as Forwarding,
  );
  let fastify: FastifyInstance;

  beforeAll(async () => {
    fastify = Fastify();
    fastify.get('/', async (request, reply) => {
      await controller.monitor(request, reply).catch((error: unknown) => sendError(reply, error, () => undefined));
      return reply;
    });
    await fastify.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => fastify.close());

  const open = (query: string): Promise<IncomingMessage> =>
    new Promise((resolve) => {
      const { port } = fastify.server.address() as AddressInfo;
      get({ host: '127.0.0.1', port, path: `/?${query}`, agent: false }, resolve);
    });
  /** What comes until there is so much of it. */
  const read = async (answer: IncomingMessage, isEnough: (text: string) => boolean): Promise<string> => {
    let text = '';
    for await (const chunk of answer) {
      text += String(chunk);
      if (isEnough(text)) break;
    }
    return text;
  };

  test('is told in lines like those of Nomad, from a level up, and nobody follows once the reader has gone', async () => {
    const answer = await open('plain=true&log_level=warn');
    log.write(line('info', 'not this one'));
    log.write(line('warn', 'this one'));
    expect(await read(answer, (text) => text.includes('\n'))).toBe(
      '2026-01-02T03:04:05.678Z [WARN]  this one: node="a b"\n',
    );
    const gone = new Promise<void>((resolve) => {
      const look = (): void => (log.followers.size === 0 ? resolve() : void setImmediate(look));
      look();
    });
    answer.destroy();
    await gone;
  });

  test('comes in frames by default, as JSON if asked', async () => {
    const answer = await open('log_json=true');
    expect(answer.headers['content-type']).toBe('application/json');
    log.write(line('error', 'broken'));
    const text = await read(answer, (so) => so.includes('FileEvent'));
    expect(text.startsWith('{}{"Data":')).toBe(true);
    const { Data } = JSON.parse(text.slice(2)) as { Data: string };
    expect(JSON.parse(Buffer.from(Data, 'base64').toString())).toMatchObject({ level: 'error', msg: 'broken' });
    answer.destroy();
  });

  test.each([
    ['log_level=x', 400, 'Unknown log level: x'],
    ['plain=x', 400, 'Unknown option for plain: strconv.ParseBool: parsing "x": invalid syntax'],
    ['node_id=a&server_id=b', 400, 'Cannot target node and server simultaneously'],
    ['server_id=nope', 400, 'unknown Nomad server nope'],
  ])('refuses %s', async (query, status, text) => {
    const answer = await open(query);
    expect({ status: answer.statusCode, text: await read(answer, () => false) }).toEqual({ status, text });
  });
});
