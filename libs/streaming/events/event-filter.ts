import type { NomadEvent } from './nomad-event.js';

/** Which events a subscriber wants, and how. */
export interface EventFilter {
  /** Keys by topic; the topic `*` is all of them, and the key `*` everything of a topic. */
  readonly topics: ReadonlyMap<string, ReadonlySet<string>>;
  /** `*`: all. Events that are in no namespace always pass. */
  readonly namespace: string;
  readonly asStub: boolean;
  readonly withMeta: boolean;
  /** Server-Sent Events instead of lines. */
  readonly asSse: boolean;
  /** What of a namespace may be seen by who asks; asked for the events of all namespaces at once. */
  readonly sees: (topic: string, namespace: string) => boolean;
  /** Equal keys: the same events in the same form. */
  readonly key: string;
}

/**
 * Whether an event is wanted. Keys of the topic `*` count for every topic; `*` counts only where no other key is named for the topic, as in
 * Nomad: `Job:*` beside `Job:web` means `web`.
 */
export function isWanted(filter: EventFilter, event: NomadEvent): boolean {
  const { topics, namespace } = filter;
  const own = topics.get(event.topic);
  const everywhere = topics.get('*');
  if (own === undefined && everywhere === undefined) return false;
  if (event.namespace !== '' && namespace !== '*' && event.namespace !== namespace) return false;
  if (event.namespace !== '' && namespace === '*' && !filter.sees(event.topic, event.namespace)) return false;
  const named = (keys: ReadonlySet<string> | undefined): boolean =>
    keys !== undefined && [...keys].some((key) => key !== '*');
  if (!named(own) && !named(everywhere)) return true;
  const listed = (key: string): boolean => (own?.has(key) ?? false) || (everywhere?.has(key) ?? false);
  return listed(event.key) || (event.filterKeys?.some(listed) ?? false);
}
