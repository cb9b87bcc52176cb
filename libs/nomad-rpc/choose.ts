import { createHash } from 'node:crypto';

/** What of a registration goes into the choice. */
export interface Chosen {
  readonly ID: string;
  readonly ServiceName: string;
  readonly Namespace: string;
  readonly AllocID: string;
  readonly Address: string;
  readonly Port: number;
  readonly Tags: readonly string[] | null;
}

/** How many are wanted, and for whom. */
export interface Choice {
  readonly count: number;
  readonly key: string;
}

/** `<number>|<key>`; undefined: it is not of that form. */
export function parseChoice(text: string): Choice | undefined {
  const [, count, key] = /^(\d{1,9})\|([^|]+)$/s.exec(text) ?? [];
  return count === undefined || key === undefined ? undefined : { count: Number(count), key };
}

/** Picks some registrations for a key by rendezvous hashing: the same ones as long as they are there, whatever comes and goes beside them. */
export function choose<T extends Chosen>(services: readonly T[], { count, key }: Choice): T[] {
  return services
    .map((service) => ({ service, rank: rankOf(service, key) }))
    .sort((a, b) => Buffer.compare(a.rank, b.rank))
    .slice(0, count)
    .map(({ service }) => service);
}

function rankOf(service: Chosen, key: string): Buffer {
  const port = Buffer.alloc(8);
  port.writeBigUInt64BE(BigInt(service.Port));
  const hash = createHash('sha256').update(port);
  const { AllocID, ID, Namespace, Address, ServiceName, Tags } = service;
  for (const text of [AllocID, ID, Namespace, Address, ServiceName, ...(Tags ?? []), key]) hash.update(text);
  return hash.digest();
}
