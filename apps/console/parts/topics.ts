import type { Value } from './fields.tsx';

/** Keys by topic; none, or `*`: all of the topic. */
export type Topics = Readonly<Record<string, readonly string[]>>;

/** What stands in a field with spaces or commas between. */
export const wordsIn = (value: Value | undefined): readonly string[] =>
  String(value ?? '')
    .split(/[\s,]+/)
    .filter((one) => one !== '');

/** `Job:web Deployment` → keys by topic; a topic without a key is all of it, whatever else is said of it. */
export function topicsIn(value: Value | undefined): Topics {
  const topics = new Map<string, string[]>();
  for (const word of wordsIn(value)) {
    const [topic = '', ...key] = word.split(':');
    topics.set(topic, [...(topics.get(topic) ?? []), key.length === 0 ? '*' : key.join(':')]);
  }
  return Object.fromEntries(topics);
}

/** The other way round. */
export const topicsText = (topics: Topics): string =>
  Object.entries(topics)
    .flatMap(([topic, keys]) =>
      keys.length === 0 || keys.includes('*') ? [topic] : keys.map((key) => `${topic}:${key}`),
    )
    .join(' ');
