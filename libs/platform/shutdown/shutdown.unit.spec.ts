import { createShutdown, SHUTDOWN_PHASES } from './shutdown.js';
import type { Shutdown } from './shutdown.js';

const never = () => new Promise<void>(() => undefined);

describe('shutting down', () => {
  const errors: object[] = [];
  const log = { info: () => undefined, error: (detail: object) => void errors.push(detail) };
  const create = (options: Partial<Parameters<typeof createShutdown>[0]> = {}): Shutdown =>
    createShutdown({ log, ...options });

  beforeEach(() => errors.splice(0));

  test('runs the phases in order, whatever the order they were filled in', async () => {
    const order: string[] = [];
    const shutdown = create();
    for (const phase of SHUTDOWN_PHASES.toReversed()) shutdown.on(phase, phase, () => void order.push(phase));
    expect(await shutdown.run('test')).toBe(true);
    expect(order).toEqual(['leases', 'intake', 'drain', 'checkpoint', 'pools']);
  });

  test('closes last what was opened first, one after the other', async () => {
    const order: string[] = [];
    const shutdown = create();
    shutdown.on('pools', 'postgres', () => void order.push('postgres'));
    shutdown.on('pools', 'pool', async () => {
      await Promise.resolve();
      order.push('pool');
    });
    await shutdown.run('test');
    expect(order).toEqual(['pool', 'postgres']);
  });

  test('goes on after a task that fails, and says so', async () => {
    const ran = jest.fn();
    const shutdown = create();
    shutdown.on('leases', 'hand over', () => Promise.reject(new Error('gone')));
    shutdown.on('pools', 'pool', ran);
    expect(await shutdown.run('test')).toBe(false);
    expect(ran).toHaveBeenCalled();
    expect(errors).toEqual([{ phase: 'leases', task: 'hand over', err: new Error('gone') }]);
  });

  test('goes on after a task that takes too long, with every other task begun', async () => {
    const ran = jest.fn();
    const shutdown = create({ boundsMs: { drain: 10 } });
    shutdown.on('drain', 'second', ran);
    shutdown.on('drain', 'first', never);
    shutdown.on('pools', 'pool', ran);
    expect(await shutdown.run('test')).toBe(false);
    expect(ran).toHaveBeenCalledTimes(2);
  });

  test('runs once, however often it is asked to', async () => {
    const ran = jest.fn();
    const shutdown = create();
    shutdown.on('intake', 'listener', ran);
    await Promise.all([shutdown.run('one'), shutdown.run('two')]);
    expect(ran).toHaveBeenCalledTimes(1);
    expect(shutdown.hasBegun()).toBe(true);
  });

  describe('by signals', () => {
    let now = 0;
    const before = new Map(
      ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'].map((name) => [name, process.listeners(name as NodeJS.Signals)]),
    );
    afterEach(() => {
      for (const [name, listeners] of before) {
        for (const listener of process.listeners(name as NodeJS.Signals)) {
          if (!listeners.includes(listener)) process.off(name, listener);
        }
      }
    });

    test('ends with 0 when everything ended well', async () => {
      const code = await new Promise((exit) => {
        create({ exit }).listen();
        process.emit('SIGTERM', 'SIGTERM');
      });
      expect(code).toBe(0);
    });

    test('ends at once at the second one, but takes the echo of the first for the same', () => {
      const exit = jest.fn();
      const shutdown = create({ exit, now: () => now, boundsMs: { intake: 50 } });
      shutdown.on('intake', 'stuck', never);
      shutdown.listen();
      process.emit('SIGINT', 'SIGINT');
      now += 300;
      process.emit('SIGINT', 'SIGINT');
      expect(exit).not.toHaveBeenCalled();
      now += 2_000;
      process.emit('SIGINT', 'SIGINT');
      expect(exit).toHaveBeenCalledWith(130);
    });
  });
});
