import { signal } from '@preact/signals';
import { readNow } from './api.ts';

/** Names of tokens by accessor, as far as they may be read. */
const names = signal<ReadonlyMap<string, string>>(new Map());
let isAsked = false;

/** What a token is called; undefined: not known (yet), or it may not be known. */
export function nameOfToken(accessor: string): string | undefined {
  if (!isAsked) {
    isAsked = true;
    readNow<readonly { readonly AccessorID: string; readonly Name: string }[]>('/v1/acl/tokens').then(
      (tokens) => (names.value = new Map(tokens.map(({ AccessorID, Name }) => [AccessorID, Name]))),
      () => undefined,
    );
  }
  return names.value.get(accessor);
}
