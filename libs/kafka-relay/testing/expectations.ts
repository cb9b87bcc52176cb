import type { RollbookEvent } from '@app/consumer';
import { evolve, publicData, upcast, type AggregateState } from '@app/domain';
import { streamKey, streamType, type Json, type RecordedEvent, type StreamName } from '@app/kernel';
import type { KafkaSettings } from '../kafka/settings.js';
import { isGone, payloadText } from '../payload.js';
import { LATEST_TYPES, type LatestType } from '../record.js';
import { messagesOf } from './topics.js';

/** The object of every event, by folding the log apart from the relay. */
function objectsOf(
  log: readonly RecordedEvent[],
): { readonly event: RecordedEvent; readonly text: string; readonly after: AggregateState | undefined }[] {
  const states = new Map<StreamName, AggregateState | undefined>();
  return log.map((event) => {
    const before = states.get(event.stream);
    const after = evolve(event.stream, before, upcast(event), event);
    states.set(event.stream, after);
    return { event, after, text: payloadText(event.stream, before, after) };
  });
}

/** The events are those of the log, each once, in order within their keys; each has its object, and knows the one before it. */
export function expectEqual(published: readonly RollbookEvent[], log: readonly RecordedEvent[]): void {
  const place = ({ index, seq }: { index: number; seq: number }): string => `${index}/${seq}`;
  const known = new Map(published.map((event) => [place(event), event]));
  expect(published.length).toBe(log.length);
  expect(known.size).toBe(log.length);
  const last = new Map<string, RollbookEvent>();
  for (const event of published) {
    const before = last.get(event.key);
    expect({ at: place(event), previous: event.previous }).toEqual({
      at: place(event),
      previous: before === undefined ? { index: 0, seq: 0 } : { index: before.index, seq: before.seq },
    });
    last.set(event.key, event);
  }
  if (log[0]?.index !== 1) return;
  for (const { event, text } of objectsOf(log)) {
    const found = known.get(place(event));
    expect(found).toMatchObject({ type: event.type, subject: event.stream, actor: event.meta.actor });
    expect(found?.payload).toEqual({
      ...(JSON.parse(text) as object),
      Event: {
        Type: event.type,
        Schema: event.schema,
        Data: publicData(event.type, JSON.parse(JSON.stringify(event.data)) as Json),
      },
    });
  }
}

/** The compacted topics end with the present state of every object, and without those that are gone. */
export async function expectLatest(settings: KafkaSettings, log: readonly RecordedEvent[]): Promise<void> {
  const wanted = new Map<string, string>();
  for (const { event, text, after } of objectsOf(log)) {
    const type = streamType(event.stream);
    if (!(LATEST_TYPES as readonly string[]).includes(type)) continue;
    if (isGone(after)) wanted.delete(event.stream);
    else wanted.set(event.stream, text);
  }
  const found = new Map<string, string>();
  for (const type of LATEST_TYPES satisfies readonly LatestType[]) {
    for (const { key, value } of await messagesOf(settings, type)) {
      const name = `${type}/${key!.toString()}`;
      if (value === null) found.delete(name);
      else found.set(name, value.toString());
    }
  }
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted));
  expect([...found.keys()].every((name) => streamKey(name as StreamName).length > 0)).toBe(true);
}
