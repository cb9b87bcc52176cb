import { describeEventStore, type SharedLog } from '../testing/contract.js';
import { describeCommandHandler } from '../testing/handler-contract.js';
import { POISON } from '../testing/toy.js';
import { MemoryEventStore } from './memory-event-store.js';

async function memoryLog(): Promise<SharedLog> {
  const store = new MemoryEventStore(({ columns }) => {
    if (columns?.['total'] === POISON) throw new Error('the table refuses this row');
  });
  return {
    open: async () => store,
    row: async (key) => store.tables.get('toy')?.get(key),
  };
}

describe('the event store in memory', () => {
  describeEventStore(memoryLog);
});
describe('the command handler on the event store in memory', () => {
  describeCommandHandler(memoryLog);
});
