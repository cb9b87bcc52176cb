import type { ListSource } from '@app/streaming';
import { jobSpec, registered } from '@app/testing';
import { seeded, Workload } from '../../libs/read-models/testing/workload.js';
import { Oracle, type Seen } from './oracle.js';
import { SOURCES } from './sources.js';
import { startStage, type Stage } from './stage.js';

jest.setTimeout(120_000);

const SEED = Number(process.env['WORKLOAD_SEED'] ?? 20_261);
const ROOMY = 50_000_000;
const ROUNDS = 40;

describe(`Kept lists (seed ${SEED})`, () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await startStage();
  });
  afterEach(() => stage.close());

  test.each([
    ['that all fit', ROOMY],
    ['of which most must go', 60_000],
  ])('are at every moment what the log makes of them, whoever writes and whenever: lists %s', async (_name, bytes) => {
    const { one, other } = stage;
    const random = seeded(SEED);
    const [own, foreign] = [new Workload(one.handler, random), new Workload(other.handler, random)];
    const lists = stage.listsOn(one, bytes);
    let left = ROUNDS;
    let team = 0;
    stage.inject(async () => {
      if (left-- <= 0 || random() < 0.3) return;
      const job = jobSpec({ id: ['web', 'api'][team % 2]!, tag: String(team++) });
      await Promise.all([
        own.run(Math.floor(random() * 6)),
        foreign.run(Math.floor(random() * 6)),
        random() < 0.5 ? other.execute(registered({ ...job, Namespace: 'team' })) : undefined,
      ]);
    });
    await own.run(100);
    const seen: Seen[] = [];
    const ask = async (source: ListSource): Promise<void> => {
      const { applied } = one.tail;
      const { at, tableIndex, rows } = await lists.read(source);
      expect(at).toBeGreaterThanOrEqual(applied);
      seen.push({ source, at, tableIndex, text: rows.body().toString() });
    };
    for (let round = 0; round < ROUNDS; round++) {
      left += 2;
      await Promise.all([
        own.run(Math.floor(random() * 10)),
        random() < 0.6 ? foreign.run(Math.floor(random() * 10)) : undefined,
        ...SOURCES.filter(() => random() < 0.4).map(ask),
      ]);
    }
    left = 0;
    for (const source of SOURCES) await ask(source);
    const faults = await Oracle.faults(stage.store, seen);
    expect(
      faults.map(({ seen: { source, at, tableIndex }, wanted }) => [source.key, at, tableIndex, wanted.tableIndex]),
    ).toEqual([]);
    expect(new Set(seen.filter(({ text }) => text !== '[]').map(({ source }) => source.key)).size).toBe(
      SOURCES.length - 1,
    );
    expect(lists.bytes).toBeLessThanOrEqual(bytes);
    if (bytes === ROOMY) expect(lists.refreshes).toBeGreaterThan(lists.reads);
    expect([...one.errors, ...other.errors]).toEqual([]);
  });
});
