import { commitDigest, nextLink, type ChainedCommit } from './chain.js';
import { MemoryEventStore } from './memory/memory-event-store.js';
import type { ChainPart } from './port.js';
import { appendOf, newStream } from './testing/toy.js';
import { verifyChain } from './verify-chain.js';

const COMMITS = 6;

/** A log of some commits whose chain is read with a change, as if somebody had made it in the database. */
async function looked(
  change: (commits: ChainedCommit[]) => ChainedCommit[] = (same) => same,
  noted?: ReadonlyMap<number, string>,
) {
  const store = new MemoryEventStore();
  for (let by = 1; by <= COMMITS; by++) await store.appendBatch([appendOf(newStream(), 0, by)]);
  const all = change([...(await store.readChain(0, COMMITS)).commits]);
  const readChain = async (index: number): Promise<ChainPart> => ({
    from: 1,
    previous: null,
    commits: all.filter((commit) => commit.index > index),
  });
  const sentences: string[] = [];
  const report = await verifyChain(
    { readHead: () => store.readHead(), readChain },
    (one) => sentences.push(one),
    noted,
  );
  return { ...report, sentences, all };
}

test('a log that nobody has touched has no faults, and the report names its end', async () => {
  const { sentences, ...report } = await looked();
  expect(sentences).toEqual([]);
  expect(report).toMatchObject({
    from: 1,
    commits: COMMITS,
    index: COMMITS,
    chain: report.all.at(-1)!.chain,
    faults: 0,
  });
});

const altered = (commits: ChainedCommit[], index: number): ChainedCommit[] =>
  commits.map((one) => (one.index === index ? { ...one, digest: 'f'.repeat(64) } : one));

test('a commit that was altered is named, and none of those after it', async () => {
  const { sentences } = await looked((commits) => altered(commits, 3));
  expect(sentences).toEqual(['commit 3 is not what was written, or does not follow the commit before']);
});

test('a commit that was removed is named', async () => {
  expect((await looked((commits) => commits.filter(({ index }) => index !== 4))).sentences).toEqual([
    'commit 4 is missing',
  ]);
});

test('commits that were removed at the end are named', async () => {
  expect((await looked((commits) => commits.slice(0, 4))).sentences).toEqual(['commits 5 to 6 are missing at the end']);
});

test('a commit that no append wrote is named', async () => {
  const { sentences } = await looked((commits) =>
    commits.map((one) => (one.index === 2 ? { ...one, chain: null } : one)),
  );
  expect(sentences).toEqual(['commit 2 has no hash: it, or its first event, was not written by an append']);
});

test('commits that changed places are named', async () => {
  const { sentences } = await looked((commits) => {
    const [second, third] = [commits[1]!, commits[2]!];
    return commits.with(1, { ...third, index: 2 }).with(2, { ...second, index: 3 });
  });
  expect(sentences).toHaveLength(3);
});

test('a chain that was made anew from an altered commit on fits itself, but neither the head nor what was noted', async () => {
  const { all } = await looked();
  const forge = (commits: ChainedCommit[]): ChainedCommit[] => {
    let previous = commits[2]!.chain!;
    return altered(commits, 4).map((one) => {
      if (one.index < 4) return one;
      previous = nextLink(previous, one.index, one.digest);
      return { ...one, chain: previous };
    });
  };
  expect((await looked(forge)).sentences).toEqual(['the hash of the head is not that of the last commit']);
  const noted = new Map([
    [2, all[1]!.chain!],
    [5, all[4]!.chain!],
    [99, 'a'.repeat(64)],
  ]);
  // The toy's streams are random: another log has other hashes from its first commit on.
  expect((await looked(forge, noted)).sentences).toEqual(
    expect.arrayContaining([
      'commit 5 has another hash than was noted',
      'commit 99, whose hash was noted, is not part of the chain',
    ]),
  );
});

test('no two commits have the same canonical bytes: lengths keep their parts apart', () => {
  const commit = { time: 1, meta: '{}' };
  const event = { stream: 'job/a', version: 1, type: 'T', schema: 1, data: '{}' };
  const variants = [
    { ...commit, events: [event] },
    { ...commit, events: [event, event] },
    { ...commit, events: [{ ...event, stream: 'job/a\n1:1:T' }] },
    { ...commit, events: [{ ...event, data: '{}\n' }] },
    { ...commit, events: [{ ...event, version: 11 }] },
    { ...commit, meta: '{} ', events: [event] },
    { ...commit, time: 11, events: [event] },
    { ...commit, events: [] },
  ];
  expect(new Set(variants.map(commitDigest)).size).toBe(variants.length);
});

test('digest and link are what the documentation says', () => {
  const events = [{ stream: 'job/default/wéb', version: 2, type: 'JobStopped', schema: 1, data: '{"a":"é"}' }];
  const digest = commitDigest({ time: 1_760_000_000_000_000, meta: '{"actor":"test"}', events });
  // printf 'rollbook commit 1\n1760000000000000\n16:{"actor":"test"}\n1\n16:job/default/wéb\n2:1:JobStopped\n10:{"a":"é"}\n' | sha256sum
  expect(digest).toBe('efd30986135d3ec529e4c09097d0e1cc7cf65145768dbe4fd00429f2745d6c30');
  // printf '%064d%016x%s' 0 7 $digest | xxd -r -p | sha256sum
  expect(nextLink('0'.repeat(64), 7, digest)).toBe('983df2d0ff24474f946d02fa3cc725b1b033d7eeb4a9a0d88d467a303a647d14');
});
