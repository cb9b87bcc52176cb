import { createLogger } from './logger.js';

const logged = (readable: boolean, write: (log: ReturnType<typeof createLogger>) => void): string => {
  const lines: string[] = [];
  write(createLogger({ level: 'info', readable, write: (line) => lines.push(line) }));
  return lines.join('');
};

describe('the logger', () => {
  test('writes JSON with the level in words and the time in RFC 3339', () => {
    const record: unknown = JSON.parse(logged(false, (log) => log.info({ index: 7 }, 'appended')));
    expect(record).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      index: 7,
      msg: 'appended',
    });
  });

  test('writes readable lines for people', () => {
    const line = logged(true, (log) =>
      log.warn({ index: 7, job: 'web', reason: 'two words', tags: ['a'] }, 'slow append'),
    );
    expect(line).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} warn {2}slow append index=7 job=web reason="two words" tags=\["a"\]\n$/,
    );
  });

  test('puts the stack of an error on lines of its own', () => {
    const line = logged(true, (log) => log.error({ err: new Error('broken') }, 'append failed'));
    expect(line).toMatch(/ error append failed\n {4}Error: broken\n {8}at /);
  });

  test('leaves out what is less severe than its level', () => {
    expect(logged(true, (log) => log.debug('detail'))).toBe('');
  });
});
