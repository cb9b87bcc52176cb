import type { Index, RecordedEvent } from '@app/kernel';
import { moves, play, World } from '@app/testing';
import * as fc from 'fast-check';
import { EventReader } from './event-feed.js';
import type { EventFilter } from './event-filter.js';
import { frameOf } from './frames.js';
import type { EventCommit } from './nomad-event.js';

const LENGTH = 60;
const RUNS = 25;
const EVERYTHING: EventFilter = {
  topics: new Map([['*', new Set(['*'])]]),
  namespace: '*',
  asStub: false,
  withMeta: true,
  asSse: false,
  sees: () => true,
  key: 'everything',
};

jest.setTimeout(60_000);

/** A log that is read in pages, and keeps no snapshots of use: every state is folded. */
const reader = (log: readonly RecordedEvent[], pageEvents = Infinity): EventReader =>
  new EventReader(
    {
      readAfter: async (index: Index) => {
        const later = log.filter((event) => event.index > index);
        const last = later[Math.min(pageEvents, later.length) - 1]?.index ?? 0;
        return later.filter((event) => event.index <= last);
      },
      load: async () => new Map(),
      readBeginnings: async (parts) =>
        log.filter(({ stream, version }) => {
          const part = parts.get(stream);
          return part !== undefined && version >= part.from && version < part.below;
        }),
    },
    // So little that most states are forgotten between pages.
    5_000,
  );

async function all(from: EventReader, after: Index): Promise<EventCommit[]> {
  const commits: EventCommit[] = [];
  for (let at = after; ; at = commits.at(-1)!.index) {
    const page = await from.after(at);
    if (page.length === 0) return commits;
    commits.push(...page);
  }
}
const texts = (commits: readonly EventCommit[]): string[] =>
  commits.map((commit) => frameOf(commit, EVERYTHING)?.toString() ?? `nothing at ${commit.index}`);

describe('Whatever happened,', () => {
  test('events from any index on, in pages of any size, are those of a reader who was there from the beginning', async () => {
    await fc.assert(
      fc.asyncProperty(
        moves(LENGTH),
        fc.nat(1000),
        fc.integer({ min: 1, max: 20 }),
        async (story, where, pageEvents) => {
          const world = new World();
          play(world, story);
          const head = world.log.at(-1)?.index ?? 0;
          const start = where % (head + 1);
          const whole = texts(await all(reader(world.log), 0));
          expect(whole).toHaveLength(head);
          expect(texts(await all(reader(world.log, pageEvents), start))).toEqual(whole.slice(start));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('every event names its commit, and shows an object that does not come from later', async () => {
    await fc.assert(
      fc.asyncProperty(moves(LENGTH), async (story) => {
        const world = new World();
        play(world, story);
        for (const { index, events } of await all(reader(world.log), 0)) {
          for (const event of events) {
            const { Index: told, Payload } = JSON.parse(event.text(false)) as { Index: number; Payload: object };
            expect(told).toBe(index);
            const [object] = Object.values(Payload) as { ModifyIndex: number }[];
            expect(object!.ModifyIndex).toBeLessThanOrEqual(index);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });
});
