import { NotARollbookEvent, readEvent, type KafkaRecord, type RollbookEvent } from './event.js';
import { EventTracker, judge } from './event-tracker.js';

const record = (headers: Record<string, string> = {}): KafkaRecord => ({
  key: 'default/web',
  value: Buffer.from(
    '{"Deployment":{"ID":"d1"},"Deleted":false,"Event":{"Type":"DeploymentPaused","Schema":1,"Data":{}}}',
  ),
  headers: {
    ce_id: '7/1',
    ce_type: 'rollbook.DeploymentPaused',
    ce_source: '/rollbook/one',
    ce_subject: 'deployment/d1',
    ce_time: '2026-01-01T00:00:00Z',
    ce_index: '7',
    ce_seq: '1',
    ce_previousindex: '7',
    ce_previousseq: '0',
    ce_storeepoch: 'one',
    ce_generation: '1',
    ce_actor: 'anonymous',
    ...headers,
  },
});
const event = (index: number, previous: number, more: Partial<RollbookEvent> = {}): RollbookEvent => ({
  ...readEvent(record()),
  index,
  seq: 0,
  previous: { index: previous, seq: 0 },
  ...more,
});

describe('Reading a record', () => {
  test('gives the event with its place, its object and who did it', () => {
    expect(readEvent(record({ ce_reason: 'maintenance' }))).toEqual({
      key: 'default/web',
      type: 'DeploymentPaused',
      subject: 'deployment/d1',
      time: '2026-01-01T00:00:00Z',
      index: 7,
      seq: 1,
      previous: { index: 7, seq: 0 },
      storeEpoch: 'one',
      generation: 1,
      chain: undefined,
      previousChain: undefined,
      actor: 'anonymous',
      reason: 'maintenance',
      payload: { Deployment: { ID: 'd1' }, Deleted: false, Event: { Type: 'DeploymentPaused', Schema: 1, Data: {} } },
    });
  });

  test('takes headers as bytes, too, as clients hand them over', () => {
    const { headers, ...rest } = record();
    const bytes = Object.fromEntries(
      Object.entries(headers!).map(([name, value]) => [name, Buffer.from(value as string)]),
    );
    expect(readEvent({ ...rest, headers: bytes })).toEqual(readEvent(record()));
  });

  test('has no object where it was too large for Kafka', () => {
    expect(readEvent(record({ ce_oversize: '20000000' })).payload).toBeUndefined();
  });

  test('refuses what Rollbook did not write', () => {
    expect(() => readEvent({ key: 'a', value: 'b' })).toThrow(NotARollbookEvent);
    expect(() => readEvent(record({ ce_index: 'seven' }))).toThrow(NotARollbookEvent);
    expect(() => readEvent(record({ ce_type: 'other' }))).toThrow(NotARollbookEvent);
  });
});

describe('Judging an event', () => {
  const at = (index: number, seq = 0) => ({ index, seq, storeEpoch: 'one' });

  test('the first of a key is new when nothing came before it, and shows a gap otherwise', () => {
    expect(judge(undefined, event(3, 0))).toEqual({ kind: 'new' });
    expect(judge(undefined, event(3, 2))).toEqual({
      kind: 'gap',
      applied: { index: 0, seq: 0 },
      missing: { index: 2, seq: 0 },
    });
  });

  test('the next of a key is new, within a commit too', () => {
    expect(judge(at(3), event(5, 3))).toEqual({ kind: 'new' });
    expect(judge(at(5), event(5, 5, { seq: 1 }))).toEqual({ kind: 'new' });
  });

  test('what was applied before is a duplicate', () => {
    expect(judge(at(5), event(5, 3))).toEqual({ kind: 'duplicate' });
    expect(judge(at(5), event(3, 0))).toEqual({ kind: 'duplicate' });
  });

  test('a missing event shows, within a commit too', () => {
    expect(judge(at(3), event(9, 5))).toMatchObject({ kind: 'gap', missing: { index: 5 } });
    expect(judge(at(5), event(5, 5, { seq: 2, previous: { index: 5, seq: 1 } }))).toMatchObject({ kind: 'gap' });
  });

  test('after a rewind the old ones are duplicates, and the chain goes on behind them', () => {
    expect(judge(at(5), event(3, 0, { generation: 2 }))).toEqual({ kind: 'duplicate' });
    expect(judge(at(5), event(5, 3, { generation: 2 }))).toEqual({ kind: 'duplicate' });
    expect(judge(at(5), event(8, 5, { generation: 2 }))).toEqual({ kind: 'new' });
    expect(judge(at(5), event(8, 0, { generation: 2 }))).toEqual({ kind: 'new' });
  });

  test('the first event of a restored log says so', () => {
    expect(judge(at(5), event(1, 0, { storeEpoch: 'two' }))).toEqual({ kind: 'new-epoch', storeEpoch: 'two' });
  });
});

describe('A tracker', () => {
  test('keeps keys apart and survives as JSON', () => {
    const first = new EventTracker();
    first.accept(event(3, 0));
    const tracker = new EventTracker(JSON.parse(JSON.stringify(first.state())) as ReturnType<typeof first.state>);
    expect(tracker.judge(event(3, 0))).toEqual({ kind: 'duplicate' });
    expect(tracker.judge(event(3, 0, { key: 'default/api' }))).toEqual({ kind: 'new' });
  });

  test('forgets a log that was replaced, and takes what still comes of it for duplicates', () => {
    const tracker = new EventTracker();
    tracker.accept(event(3, 0));
    const restored = event(1, 0, { storeEpoch: 'two', key: 'default/api' });
    expect(tracker.judge(restored)).toEqual({ kind: 'new-epoch', storeEpoch: 'two' });
    tracker.accept(restored);
    expect(tracker.judge(event(4, 3))).toEqual({ kind: 'duplicate' });
    expect(tracker.judge(event(2, 0, { storeEpoch: 'two' }))).toEqual({ kind: 'new' });
  });
});
