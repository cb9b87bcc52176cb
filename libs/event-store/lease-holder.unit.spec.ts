import { LeaseHolder, type LeaseHolderOptions } from './lease-holder.js';
import { MemoryEventStore } from './memory/memory-event-store.js';

const LEASE = 'scheduler';
const PACE = { ttlMs: 3000, renewMs: 1000, tryMs: 200 };

describe('A lease among several instances', () => {
  let leases: MemoryEventStore;
  let told: string[];
  let holders: LeaseHolder[];

  beforeEach(() => {
    jest.useFakeTimers();
    leases = new MemoryEventStore();
    told = [];
    holders = [];
  });

  afterEach(async () => {
    await Promise.all(holders.map((holder) => holder.close()));
    jest.useRealTimers();
  });

  const contend = async (name: string, options: Partial<LeaseHolderOptions> = {}): Promise<LeaseHolder> => {
    const holder = new LeaseHolder({
      leases,
      lease: LEASE,
      holder: name,
      pace: PACE,
      begin: (epoch) => {
        told.push(`${name} begins ${epoch}`);
        return async () => void told.push(`${name} ends ${epoch}`);
      },
      onError: (error) => told.push(`${name}: ${(error as Error).message}`),
      onChange: (holds) => told.push(`${name} ${holds ? 'holds' : 'waits'}`),
      ...options,
    });
    holders.push(holder);
    await holder.start();
    return holder;
  };
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);
  /** As SIGSTOP does it: the time passes, and nothing of the process runs. */
  const standStill = (ms: number): void => jest.setSystemTime(Date.now() + ms);
  const unreachable = (): Promise<never> => Promise.reject(new Error('unreachable'));
  const epochs = (): number[] => holders.map(({ epoch }) => epoch);

  test('is held by the first of them for as long as it renews it', async () => {
    await contend('one');
    await contend('two');
    await pass(60_000);
    expect(epochs()).toEqual([1, 0]);
    expect(told).toEqual(['one begins 1', 'one holds']);
  });

  test('is taken over at the next look after it was handed over', async () => {
    const one = await contend('one');
    await contend('two');
    await one.close();
    expect(epochs()).toEqual([0, 0]);
    await pass(PACE.tryMs);
    expect(epochs()).toEqual([0, 2]);
    expect(jest.getTimerCount()).toBe(1);
    expect(told).toEqual(['one begins 1', 'one holds', 'one ends 1', 'one waits', 'two begins 2', 'two holds']);
  });

  test('is taken over when it has run out, and not before', async () => {
    const died = { ...PACE, renewMs: 3_600_000 };
    await contend('one', { pace: died });
    await contend('two');
    await pass(PACE.ttlMs - PACE.tryMs);
    expect(epochs()).toEqual([1, 0]);
    await pass(PACE.tryMs * 2);
    expect(epochs()).toEqual([1, 2]);
  });

  test('is lost to one that stood still past it, which learns so at its next renewal and tries again', async () => {
    await contend('one');
    standStill(PACE.ttlMs);
    await contend('two');
    expect(epochs()).toEqual([1, 2]);
    await pass(PACE.renewMs);
    expect(epochs()).toEqual([0, 2]);
    expect(told.slice(4)).toEqual(['one ends 1', 'one waits']);
    await holders[1]!.close();
    await pass(PACE.tryMs);
    expect(epochs()).toEqual([3, 0]);
  });

  test('goes on past a stand-still in which nobody took it', async () => {
    await contend('one');
    standStill(PACE.ttlMs * 10);
    await pass(PACE.renewMs);
    await contend('two');
    expect(epochs()).toEqual([1, 0]);
  });

  test('goes on while renewals cannot be asked for, until the store says that it is lost', async () => {
    const renewLease = jest.spyOn(leases, 'renewLease').mockImplementation(unreachable);
    await contend('one');
    await pass(PACE.renewMs * 2);
    expect(epochs()).toEqual([1]);
    expect(told.slice(2)).toEqual(['one: unreachable', 'one: unreachable']);
    await pass(PACE.ttlMs);
    await contend('two');
    renewLease.mockRestore();
    await pass(PACE.renewMs);
    expect(epochs()).toEqual([0, 2]);
  });

  test('is tried for again when the store cannot be reached, or what must come first fails', async () => {
    const acquireLease = jest.spyOn(leases, 'acquireLease').mockImplementationOnce(unreachable);
    const prepare = jest.fn(unreachable as () => Promise<void>).mockImplementationOnce(unreachable);
    await contend('one', { prepare });
    await pass(PACE.tryMs);
    expect(told).toEqual(['one: unreachable', 'one: unreachable']);
    expect(epochs()).toEqual([0]);
    prepare.mockResolvedValue();
    await pass(PACE.tryMs);
    expect(epochs()).toEqual([2]);
    expect(acquireLease).toHaveBeenCalledTimes(3);
  });

  test('is given back unused by one that is closed while it prepares', async () => {
    let goOn!: () => void;
    const prepare = (): Promise<void> => new Promise((resolve) => (goOn = resolve));
    const starting = contend('one', { prepare });
    await pass(1);
    const closing = holders[0]!.close();
    goOn();
    await Promise.all([starting, closing]);
    expect(told).toEqual([]);
    await contend('two');
    expect(epochs()).toEqual([0, 2]);
  });

  test('is handed over only after everything under way has ended', async () => {
    let ended!: () => void;
    const one = await contend('one', { begin: () => () => new Promise((resolve) => (ended = resolve)) });
    await contend('two');
    const closing = one.close();
    await pass(PACE.tryMs);
    expect(epochs()).toEqual([0, 0]);
    ended();
    await closing;
    await pass(PACE.tryMs);
    expect(epochs()).toEqual([0, 2]);
  });
});
