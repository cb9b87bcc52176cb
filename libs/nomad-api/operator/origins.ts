import type { EventStore } from '@app/event-store';
import { isoFromUs, type Index } from '@app/kernel';
import { LRUCache } from 'lru-cache';

const KEPT = 500;

/** Who made a commit, when and why, as answers tell it. */
export interface Origin {
  readonly Actor: string;
  readonly Reason: string;
  readonly Time: string | null;
}

/** Where what is told comes from: the log's own words. A commit never changes. */
export class Origins {
  private readonly kept = new LRUCache<Index, Origin>({ max: KEPT });

  constructor(private readonly store: Pick<EventStore, 'readAfter'>) {}

  async of(index: Index): Promise<Origin> {
    const known = this.kept.get(index);
    if (known !== undefined) return known;
    const [event] = await this.store.readAfter(index - 1, 1);
    if (event?.index !== index) return { Actor: '', Reason: '', Time: null };
    const { meta, time } = event;
    const origin = { Actor: meta.actor, Reason: meta.reason ?? '', Time: isoFromUs(time) };
    this.kept.set(index, origin);
    return origin;
  }
}
