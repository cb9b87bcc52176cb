import type { Index } from '@app/kernel';
import { CHAIN_BEGIN, nextLink } from './chain.js';
import type { EventStore } from './port.js';

const PAGE_EVENTS = 2_000;

/** What a look at the whole chain came to. */
export interface ChainReport {
  /** The first index that is part of it. */
  readonly from: Index;
  readonly commits: number;
  /** The head as it was when the look began. */
  readonly index: Index;
  readonly chain: string;
  readonly faults: number;
}

/**
 * Follows the chain from its beginning to the head and compares it with what the log holds: whatever was altered, removed or inserted since it
 * was appended is a fault, told in a sentence. Whoever can write to the database can also write a chain that fits: hashes that were noted
 * elsewhere (`noted`, by index) show that.
 */
export async function verifyChain(
  store: Pick<EventStore, 'readHead' | 'readChain'>,
  onFault: (sentence: string) => void,
  noted: ReadonlyMap<Index, string> = new Map(),
): Promise<ChainReport> {
  const head = await store.readHead();
  const { from } = await store.readChain(0, 1);
  const unseen = new Map(noted);
  let faults = 0;
  let commits = 0;
  let after = from - 1;
  let previous: string | null = CHAIN_BEGIN;
  const fault = (sentence: string): void => {
    faults++;
    onFault(sentence);
  };
  while (after < head.index) {
    const part = (await store.readChain(after, PAGE_EVENTS)).commits.filter(({ index }) => index <= head.index);
    if (part.length === 0) break;
    for (const { index, digest, chain } of part) {
      commits++;
      if (index !== after + 1) {
        fault(`${rangeOf(after + 1, index - 1)} missing`);
        previous = null;
      }
      if (chain === null) fault(`commit ${index} has no hash: it, or its first event, was not written by an append`);
      else if (previous !== null && nextLink(previous, index, digest) !== chain)
        fault(`commit ${index} is not what was written, or does not follow the commit before`);
      const expected = unseen.get(index);
      if (expected !== undefined && expected !== chain) fault(`commit ${index} has another hash than was noted`);
      unseen.delete(index);
      previous = chain;
      after = index;
    }
  }
  if (after < head.index) fault(`${rangeOf(after + 1, head.index)} missing at the end`);
  else if (previous !== null && previous !== head.chain) fault('the hash of the head is not that of the last commit');
  for (const index of unseen.keys()) fault(`commit ${index}, whose hash was noted, is not part of the chain`);
  return { from, commits, index: head.index, chain: head.chain, faults };
}

const rangeOf = (first: Index, last: Index): string =>
  first === last ? `commit ${first} is` : `commits ${first} to ${last} are`;
