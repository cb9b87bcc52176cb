import { EventEmitter } from 'node:events';
import { outliveFaults } from './fault-guard.js';

function guarded(): { process: EventEmitter; told: unknown[] } {
  const process = new EventEmitter();
  const told: unknown[] = [];
  outliveFaults((error, kind) => told.push([kind, (error as Error).message]), process);
  return { process, told };
}

test('What nobody caught is told, and the process goes on', () => {
  const { process, told } = guarded();
  process.emit('uncaughtException', new Error('thrown in a callback'));
  process.emit('unhandledRejection', new Error('rejected, and nobody waited'));
  expect(told).toEqual([
    ['uncaughtException', 'thrown in a callback'],
    ['unhandledRejection', 'rejected, and nobody waited'],
  ]);
});

test('An output that nobody reads any more is not told into that output', () => {
  const { process, told } = guarded();
  process.emit('uncaughtException', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  expect(told).toEqual([]);
});
