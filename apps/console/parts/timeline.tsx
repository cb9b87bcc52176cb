import { useState } from 'preact/hooks';
import { readEvents, useMoving, type Parameters, type ToldEvent } from '../store/use-events.ts';
import { Answer } from './answer.tsx';
import { Commits } from './commits.tsx';

/** What can be left out of the story of a job or a deployment. */
const KINDS = ['job', 'deployment', 'allocation', 'evaluation'] as const;
type Kind = (typeof KINDS)[number];
const LIMIT = ['limit', '200'] as const;

/** The story of a job or a deployment and of all that belongs to it, in one line; the newest first. */
export function Timeline({ of, id }: { readonly of: string; readonly id: string }) {
  const kinds = KINDS.filter((kind) => kind !== 'job' || of.startsWith('job/'));
  const [without, setWithout] = useState<ReadonlySet<Kind>>(new Set());
  const shown = kinds.filter((kind) => !without.has(kind));
  const question: Parameters = [
    ['about', of],
    ['related', 'true'],
    LIMIT,
    ...(without.size === 0 ? [] : shown.map((kind) => ['kind', kind] as const)),
  ];
  const key = JSON.stringify(question);
  const page = useMoving(
    key,
    async () => (shown.length === 0 ? { events: [], next: '', hidden: 0, head: 0 } : readEvents(question)),
    ({ keys }) => keys.includes(id),
  );
  const choose = (kind: Kind, isWanted: boolean): void => {
    const next = new Set(without);
    if (isWanted) next.delete(kind);
    else next.add(kind);
    setWithout(next);
  };
  return (
    <>
      <div class="row" role="group" aria-label="What is told">
        {kinds.map((kind) => (
          <label class="inline" key={kind}>
            <input
              type="checkbox"
              checked={!without.has(kind)}
              onChange={(event) => choose(kind, event.currentTarget.checked)}
            />{' '}
            {kind}s
          </label>
        ))}
      </div>
      <Answer of={page}>
        {({ events, next }) => <Pages key={key} first={events} next={next} question={question} />}
      </Answer>
    </>
  );
}

/** The newest page, which moves, and those before it that were asked for. */
function Pages({
  first,
  next,
  question,
}: {
  readonly first: readonly ToldEvent[];
  readonly next: string;
  readonly question: Parameters;
}) {
  const [older, setOlder] = useState<{ readonly events: readonly ToldEvent[]; readonly next: string }>();
  const [newest, last] = [older?.events[0], first.at(-1)];
  // What came meanwhile reaches down to what was read before, or that is let go: a story has no holes.
  const isWhole = newest !== undefined && last !== undefined && !isLater(last, newest);
  const joined = isWhole ? [...first.filter((one) => isLater(one, newest)), ...older!.events] : first;
  const after = isWhole ? older!.next : next;
  return (
    <>
      {joined.length === 0 ? (
        <p class="muted">Nothing has happened that is told here.</p>
      ) : (
        <Commits of={joined} caption="History" />
      )}
      {after !== '' && (
        <button
          type="button"
          onClick={() =>
            void readEvents([...question, ['next_token', after]]).then(
              (page) => setOlder({ events: [...joined, ...page.events], next: page.next }),
              () => undefined,
            )
          }
        >
          Older
        </button>
      )}
    </>
  );
}

const isLater = (a: ToldEvent, b: ToldEvent): boolean => a.Index > b.Index || (a.Index === b.Index && a.Seq > b.Seq);
