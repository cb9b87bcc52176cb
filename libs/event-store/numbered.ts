import type { StreamName } from '@app/kernel';
import type { Append } from './port.js';

/** The versions that a command's events get, in order, and the version that each written stream has afterwards. */
export interface Numbered {
  readonly eventVersions: readonly number[];
  readonly written: ReadonlyMap<StreamName, number>;
}

/** @throws RangeError for a command that is not whole: a written stream without an expectation or without its snapshot. */
export function numberEvents(append: Append): Numbered {
  const written = new Map<StreamName, number>();
  const eventVersions = append.events.map(({ stream }) => {
    const before = written.get(stream) ?? append.expect.get(stream);
    if (before === undefined) throw new RangeError(`no expected version of ${stream}`);
    written.set(stream, before + 1);
    return before + 1;
  });
  if (append.snapshots.length !== written.size || append.snapshots.some(({ stream }) => !written.has(stream)))
    throw new RangeError('a command must bring one snapshot for each stream that it writes');
  return { eventVersions, written };
}
