import { isAlive } from './live-process.js';
import { identify } from './raw-exec-supervisor.js';

it('a process is known by its number and its start: one that took the number over is another', () => {
  const me = identify(process.pid);
  expect(isAlive(me)).toBe(true);
  expect(isAlive({ ...me, startTime: `${me.startTime}1` })).toBe(false);
  expect(isAlive({ pid: 2 ** 22 + 1, startTime: '' })).toBe(false);
});
