import { Subject } from './subject.tsx';

const TOPICS: ReadonlyMap<string, string> = new Map([
  ['job', 'Job'],
  ['job-summary', 'Job'],
  ['job-purge', 'Job'],
  ['deployment', 'Deployment'],
  ['allocation', 'Allocation'],
  ['evaluation', 'Evaluation'],
  ['node', 'Node'],
]);

/** The object of an event, by the name that the log has for it. */
export function About({ of, namespace }: { readonly of: string; readonly namespace: string }) {
  const cut = of.indexOf('/');
  const kind = of.slice(0, cut);
  const Topic = TOPICS.get(kind) ?? '';
  const key = of.slice(cut + 1);
  const Key = Topic === 'Job' ? key.slice(key.indexOf('/') + 1) : key;
  return (
    <>
      <span class="muted">{kind}</span> <Subject of={{ Topic, Key, Namespace: namespace }} />
    </>
  );
}
