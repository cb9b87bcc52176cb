import { upcast } from '@app/domain';
import { isoFromUs, visible, type RecordedEvent } from '@app/kernel';
import { sentenceOf, type EventData } from '@app/story';

/** One event as a story tells it. */
export interface StoryEvent {
  readonly index: number;
  /** RFC 3339 */
  readonly time: string;
  readonly type: string;
  /** The stream of the object, where several are told of. */
  readonly about?: string;
  readonly actor: string;
  /** Empty if none was given. */
  readonly reason: string;
  readonly data: EventData;
}

/** What the log holds, as a story tells it. @throws Error for an event of a later release's schema. */
export const storyEvent = ({ index, time, meta, ...event }: RecordedEvent): StoryEvent => ({
  index,
  time: isoFromUs(time) ?? '',
  type: event.type,
  actor: meta.actor,
  reason: meta.reason ?? '',
  data: upcast(event).data as EventData,
});

/** To the millisecond, always as long. */
function timeOf(time: string): string {
  const [seconds = '', fraction = ''] = time.replace('Z', '').split('.');
  return `${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}Z`;
}

/** What people and clients wrote is shown, whatever is in it: no text makes a line of its own or moves the cursor.
 * A line for each event: index, time, type, who it was, what happened, and why if that was said. Columns are aligned. */
export function storyLines(events: readonly StoryEvent[]): string[] {
  const told = events.map((event) => ({
    ...event,
    type: visible(event.type),
    about: visible(event.about ?? ''),
    actor: visible(event.actor),
  }));
  const width = (texts: readonly string[]): number => Math.max(0, ...texts.map((one) => one.length));
  const indexWidth = width(told.map(({ index }) => String(index)));
  const typeWidth = width(told.map(({ type }) => type));
  const aboutWidth = width(told.map(({ about }) => about));
  const actorWidth = width(told.map(({ actor }) => actor));
  return told.map(({ index, time, type, about, actor, reason, data }) =>
    [
      String(index).padStart(indexWidth),
      timeOf(time),
      type.padEnd(typeWidth),
      ...(aboutWidth === 0 ? [] : [about.padEnd(aboutWidth)]),
      actor.padEnd(actorWidth),
      visible(`${sentenceOf(type, data)}${reason === '' ? '' : ` (reason: ${reason})`}`),
    ].join('  '),
  );
}
