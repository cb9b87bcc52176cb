import { publicData, upcast } from '@app/domain';
import { isoFromUs, traceIdOf, type Json, type RecordedEvent } from '@app/kernel';

/** What happened, and who wanted it so. @throws Error for an event of a later release's schema */
export const renderEvent = ({ index, time, meta, ...event }: RecordedEvent): object => ({
  Index: index,
  Time: isoFromUs(time),
  Type: event.type,
  Actor: meta.actor,
  RemoteAddress: meta.remoteAddress ?? '',
  Reason: meta.reason ?? '',
  RequestID: meta.requestId ?? '',
  ...(meta.traceparent !== undefined && { TraceID: traceIdOf(meta.traceparent) }),
  Causation: meta.causation ?? '',
  Data: publicData(event.type, upcast(event).data as Json),
});
