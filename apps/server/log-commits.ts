import type { CommandHandler } from '@app/event-store';
import { traceIdOf } from '@app/kernel';
import type { Logger } from '@app/platform';

/** Of a commit with more streams the first ones are named. */
const NAMED_STREAMS = 8;

/** The members of a log line by which it is found together with what a request did. */
export const linked = (requestId: string | undefined, traceparent: string | undefined): object => ({
  ...(requestId !== undefined && { id: requestId }),
  ...(traceparent !== undefined && { traceId: traceIdOf(traceparent) }),
});

/** A line for each commit of this process: index, streams, and whose request it was. */
export function logCommits(handler: Pick<CommandHandler, 'onCommitted'>, log: Logger): void {
  if (!log.isLevelEnabled('debug')) return;
  handler.onCommitted(({ index, meta, changes }) =>
    log.debug(
      {
        index,
        actor: meta.actor,
        ...linked(meta.requestId, meta.traceparent),
        streams: changes.slice(0, NAMED_STREAMS).map(({ stream }) => stream),
        streamCount: changes.length,
      },
      'committed',
    ),
  );
}
