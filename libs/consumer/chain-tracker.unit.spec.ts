import { ChainTracker } from './chain-tracker.js';
import type { RollbookEvent } from './event.js';

const event = (index: number, more: Partial<RollbookEvent> = {}): RollbookEvent =>
  ({ index, seq: 0, storeEpoch: 'one', chain: `h${index}`, previousChain: `h${index - 1}`, ...more }) as RollbookEvent;
const kinds = (tracker: ChainTracker, events: readonly RollbookEvent[]): string[] =>
  events.map((one) => tracker.accept(one).kind);

test('commits that follow each other are linked, also when they are delivered again', () => {
  const tracker = new ChainTracker();
  expect(kinds(tracker, [event(5), event(6), event(6, { seq: 1 }), event(7), event(5), event(6)])).toEqual(
    Array.from({ length: 6 }, () => 'linked'),
  );
  expect(tracker.state()).toEqual({ storeEpoch: 'one', index: 7, chain: 'h7' });
});

test('partitions may be read at different speeds: what is ahead is linked once the rest has come', () => {
  const tracker = new ChainTracker();
  expect(kinds(tracker, [event(5), event(8), event(7), event(6)])).toEqual(['linked', 'ahead', 'ahead', 'linked']);
  expect(tracker.state()).toMatchObject({ index: 8 });
});

test('a commit that was altered, removed or inserted breaks the chain where it is', () => {
  const altered = new ChainTracker();
  kinds(altered, [event(5), event(6, { chain: 'other' })]);
  expect(altered.accept(event(7))).toEqual({ kind: 'broken', index: 7, expected: 'other', found: 'h6' });
  const twice = new ChainTracker();
  kinds(twice, [event(5), event(6)]);
  expect(twice.accept(event(6, { chain: 'other' }))).toMatchObject({ kind: 'broken', index: 6 });
  const ahead = new ChainTracker();
  kinds(ahead, [event(5), event(7, { previousChain: 'other' })]);
  expect(ahead.accept(event(6))).toMatchObject({ kind: 'broken', index: 7, expected: 'h6', found: 'other' });
});

test('it goes on from its stored state', () => {
  const before = new ChainTracker();
  kinds(before, [event(5), event(6)]);
  const after = new ChainTracker(JSON.parse(JSON.stringify(before.state())));
  expect(kinds(after, [event(6), event(7)])).toEqual(['linked', 'linked']);
  expect(after.accept(event(8, { previousChain: 'x' }))).toMatchObject({ kind: 'broken' });
});

test('another log begins another chain, and a record without a hash is told as such', () => {
  const tracker = new ChainTracker();
  kinds(tracker, [event(5), event(6)]);
  expect(tracker.accept(event(2, { chain: undefined }))).toEqual({ kind: 'unchained' });
  expect(tracker.accept(event(1, { storeEpoch: 'two', chain: 'k1' }))).toEqual({ kind: 'linked', upTo: 1 });
});

test('what never connects is told before it fills the memory', () => {
  const tracker = new ChainTracker();
  tracker.accept(event(1));
  expect(() => {
    for (let index = 3; index < 200_000; index++) tracker.accept(event(index));
  }).toThrow('100000 commits do not connect to 1');
});
