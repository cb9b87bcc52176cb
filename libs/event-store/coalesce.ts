/**
 * Makes many small look-ups share few large ones: while one request is under way, the keys of all further calls are gathered for the next.
 * The request that answers a call always starts after the call: nobody gets an answer older than the question.
 */
export function coalesce<K, V>(
  fetch: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>,
): (keys: Iterable<K>) => Promise<ReadonlyMap<K, V>> {
  let gathering: { readonly keys: Set<K>; readonly answer: Promise<ReadonlyMap<K, V>> } | undefined;
  let previous: Promise<unknown> = Promise.resolve();

  return (keys) => {
    if (gathering === undefined) {
      const gathered = new Set<K>();
      const answer = previous.then(() => {
        gathering = undefined;
        return fetch([...gathered]);
      });
      previous = answer.catch(() => undefined);
      gathering = { keys: gathered, answer };
    }
    for (const key of keys) gathering.keys.add(key);
    return gathering.answer;
  };
}
