/** Numbers in [0, 1) that follow from the seed: the same evaluation at the same index sees the nodes in the same order. */
export function randomFrom(seed: string): () => number {
  let state = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193);
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
}

/** The items in random order, by position: Fisher–Yates, as far as somebody looks. Few look further than at a dozen of thousands. */
export function shuffled<T>(items: readonly T[], random: () => number): (position: number) => T {
  const order = [...items];
  let drawn = 0;
  return (position) => {
    for (; drawn <= position; drawn++) {
      const other = drawn + Math.floor(random() * (order.length - drawn));
      const item = order[drawn] as T;
      order[drawn] = order[other] as T;
      order[other] = item;
    }
    return order[position] as T;
  };
}
