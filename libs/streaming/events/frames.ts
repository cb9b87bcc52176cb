import { isoFromUs, traceIdOf, type Index } from '@app/kernel';
import { isWanted, type EventFilter } from './event-filter.js';
import type { EventCommit } from './nomad-event.js';

/** What a subscriber is sent of a commit: all events that it wants, in one frame. Null: nothing. Made once for each filter. */
export function frameOf(commit: EventCommit, filter: EventFilter): Buffer | null {
  const known = commit.frames.get(filter.key);
  if (known !== undefined) return known;
  const wanted = commit.events.filter((event) => isWanted(filter, event));
  const frame =
    wanted.length === 0
      ? null
      : Buffer.from(
          textOf(
            commit,
            filter,
            wanted.map((one) => one.text(filter.asStub)),
          ),
        );
  commit.frames.set(filter.key, frame);
  return frame;
}

/** Who made a commit, when and why. */
export const metaOf = ({ time, meta }: EventCommit): object => ({
  Actor: meta.actor,
  Reason: meta.reason ?? '',
  Causation: meta.causation ?? '',
  RequestID: meta.requestId ?? '',
  ...(meta.traceparent !== undefined && { TraceID: traceIdOf(meta.traceparent) }),
  Time: isoFromUs(time),
});

function textOf(commit: EventCommit, { asSse, withMeta }: EventFilter, events: readonly string[]): string {
  const { index } = commit;
  const about = withMeta ? `,"Meta":${JSON.stringify(metaOf(commit))}` : '';
  const json = `{"Index":${index},"Events":[${events.join(',')}]${about}}`;
  return asSse ? `id: ${index}\ndata: ${json}\n\n` : `${json}\n`;
}

/** That the stream lives. `upTo`: the subscriber has got everything that it wants up to there; told only if it asked for heartbeats of its own. */
export function heartbeat(asSse: boolean, upTo?: Index): Buffer {
  if (upTo === undefined) return Buffer.from(asSse ? ': {}\n\n' : '{}\n');
  const json = JSON.stringify({ Head: upTo });
  return Buffer.from(asSse ? `id: ${upTo}\nevent: heartbeat\ndata: ${json}\n\n` : `${json}\n`);
}

/** Why the stream ends here, and the index to ask for to go on. */
export function farewell(asSse: boolean, error: string, resumeFrom: Index): Buffer {
  const json = JSON.stringify({ Error: error, Resume: resumeFrom });
  return Buffer.from(asSse ? `event: error\ndata: ${json}\n\n` : `${json}\n`);
}
