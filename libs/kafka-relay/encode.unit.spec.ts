import { StreamFolder } from '@app/streaming';
import { jobSpec, registered, World } from '@app/testing';
import { Encoder } from './encode.js';
import type { Place } from './record.js';
import { WorldLog } from './testing/world-log.js';

const ORIGIN = { storeEpoch: '6a8a9a2e-9a39-4a8f-9a57-6f0f7d2f1a01', generation: 1, maxValueBytes: 1_000_000 };

async function encoded(log: WorldLog, heads = new Map<string, Place>(), origin = ORIGIN): Promise<Encoder> {
  const encoder = new Encoder(origin, heads);
  await new StreamFolder(log).fold(log.log, (folded) => encoder.add(folded));
  return encoder;
}

describe('Encoding the log', () => {
  test('gives a record for each event, and the last state of each object', async () => {
    const log = new WorldLog();
    log.run(registered(jobSpec()));
    log.run(registered(jobSpec({ tag: 'new' })));
    const records = (await encoded(log)).all();
    expect(records.filter(({ topic }) => topic === 'events')).toHaveLength(log.log.length);
    expect(
      records.filter(({ topic }) => topic === 'job').map(({ key, headers }) => [key, headers['ce_index']]),
    ).toEqual([['default/web', '2']]);
  });

  test('says of each event which one of its key came before, going on from what was published', async () => {
    const log = new WorldLog();
    log.run(registered(jobSpec()));
    const { records } = await encoded(log, new Map([['default/web', { index: 0, seq: 5 }]]));
    const chain = records.map(({ headers }) => [headers['ce_previousindex'], headers['ce_previousseq']]);
    expect(chain).toEqual([['0', '5'], ...log.log.slice(0, -1).map(({ index, seq }) => [String(index), String(seq)])]);
  });

  test('leaves out what a topic would not take, and says how large it was', async () => {
    const log = new WorldLog();
    log.run(registered(jobSpec({ more: { Meta: { note: 'x'.repeat(50_000) } } })));
    const { records } = await encoded(log, new Map(), { ...ORIGIN, maxValueBytes: 20_000 });
    const [job] = records.filter(({ headers }) => headers['ce_type'] === 'rollbook.JobRegistered');
    expect(Number(job!.headers['ce_oversize'])).toBeGreaterThan(50_000);
    expect(JSON.parse(job!.value!)).toEqual({ Event: { Type: 'JobRegistered', Schema: 1, Data: null } });
  });

  test('says with each event the hash of its commit and of the one before, from page to page', async () => {
    const log = new WorldLog();
    for (const tag of ['a', 'b', 'c']) log.run(registered(jobSpec({ tag })));
    const chained = log.log.map((event) => ({ ...event, chain: event.seq === 0 ? `h${event.index}` : null }));
    const links = { previous: null, last: 'h0' };
    const told: (string | undefined)[][] = [];
    for (const index of [1, 2, 3]) {
      const encoder = new Encoder(ORIGIN, new Map(), links);
      const page = chained.filter((event) => event.index === index);
      await new StreamFolder(log).fold(page, (folded) => encoder.add(folded));
      for (const { headers } of encoder.records)
        told.push([headers['ce_index'], headers['ce_previouschain'], headers['ce_chain']]);
    }
    expect(told.length).toBe(chained.length);
    for (const [index, previous, chain] of told)
      expect([previous, chain]).toEqual([`h${Number(index) - 1}`, `h${String(index)}`]);
  });

  test('keeps long keys apart within a bound', async () => {
    const log = new WorldLog();
    for (const end of ['a', 'b']) log.run(registered(jobSpec({ id: 'x'.repeat(5_000) + end })));
    const keys = new Set((await encoded(log)).records.map(({ key }) => key));
    expect(keys.size).toBe(2);
    expect([...keys].every((key) => key.length < 1_024)).toBe(true);
  });
});

describe('Folding the log', () => {
  test('gives the same objects from any page on, with snapshots, folds and what is kept', async () => {
    const log = new WorldLog();
    log.tell(7, 150);
    const whole = (await encoded(log)).records.map(({ value }) => value!);
    for (const from of [10, 40, 41, log.log.length - 1]) {
      const folder = new StreamFolder(log);
      const encoder = new Encoder(ORIGIN, new Map());
      for (let at = from; at < log.log.length; at += 7)
        await folder.fold(log.log.slice(at, at + 7), (folded) => encoder.add(folded));
      expect(encoder.records.map(({ value }) => value!)).toEqual(whole.slice(from));
    }
  });

  test('does not fold a stream whose snapshot is what is asked for', async () => {
    const log = new WorldLog();
    log.run(registered(jobSpec()));
    log.run(registered(jobSpec({ tag: 'new' })));
    const last = log.log.filter(({ type }) => type === 'JobRegistered').slice(-1);
    await new StreamFolder(log).fold(last, () => 0);
    expect(log.folded).toEqual([]);
  });

  test('stops at an event that this release does not know', async () => {
    const log = new WorldLog();
    log.world = new World();
    log.run(registered(jobSpec()));
    log.world.log.push({
      ...log.world.log.at(-1)!,
      stream: 'deployment/d',
      version: 1,
      type: 'DeploymentCreated',
      schema: 99,
    });
    await expect(encoded(log)).rejects.toThrow('schema 99');
  });
});
