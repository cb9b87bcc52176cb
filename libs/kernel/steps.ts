/**
 * A computation in steps. Pure as any other; at each `yield` whoever runs it may let others go first, or give it up. Its result does not depend
 * on that.
 */
export type Steps<T> = Generator<void, T, void>;

/** Runs it to its end at once. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** What `of` makes of each item, one after the other: a step for each. */
export function* eachOf<A, B>(items: readonly A[], of: (item: A, position: number) => B): Steps<B[]> {
  const made: B[] = [];
  for (const [position, item] of items.entries()) {
    made.push(of(item, position));
    yield;
  }
  return made;
}

/** All that `of` makes of the items, in one list: a step for each. */
export function* allOf<A, B>(items: readonly A[], of: (item: A, position: number) => readonly B[]): Steps<B[]> {
  const made: B[] = [];
  for (const [position, item] of items.entries()) {
    for (const one of of(item, position)) made.push(one);
    yield;
  }
  return made;
}
