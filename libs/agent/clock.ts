import type { TimeUs } from '@app/kernel';

const FORGIVEN_LEAD_US = 1_000_000;
let last = 0;

/**
 * Microseconds since 1970 that grow with every call, so that the events of a task are in order by their times.
 * A clock that was set back by more than a second is followed.
 */
export function nowUs(): TimeUs {
  const wall = Date.now() * 1000;
  last = wall > last || last - wall > FORGIVEN_LEAD_US ? wall : last + 1;
  return last;
}
