import { many } from '@app/story';
import { commitAddress } from '../address/address.ts';
import type { ToldEvent } from '../store/use-events.ts';
import { About } from './about.tsx';
import { Told } from './history.tsx';
import { Ago, Table, Who, Why } from './parts.tsx';
import { indexed, inWords } from './words.ts';

const MOST_ALIKE = 3;
const MOST_SORTS = 4;

/** Events of one commit, the newest commit first. */
const byCommit = (events: readonly ToldEvent[]): readonly (readonly ToldEvent[])[] => [
  ...Map.groupBy(events, ({ Index }) => Index).values(),
];

/** A row for each commit; what is alike in one is told once, and counted. */
export const Commits = ({ of, caption }: { readonly of: readonly ToldEvent[]; readonly caption: string }) => (
  <Table heads={['Index', 'When', 'What', 'Who', 'Why']} caption={caption}>
    {byCommit(of).map((events) => {
      const { Index, Time, Actor, Reason } = events[0]!;
      return (
        <tr key={Index}>
          <td>
            <a href={commitAddress(Index)}>{indexed(Index)}</a>
          </td>
          <td>
            <Ago at={Time} />
          </td>
          <td>
            <Sorts
              of={[
                ...Map.groupBy(
                  [...events].sort((a, b) => a.Seq - b.Seq),
                  ({ Type }) => Type,
                ),
              ]}
            />
          </td>
          <td>
            <Who of={Actor} />
          </td>
          <td>
            <Why of={Reason} by={Actor} />
          </td>
        </tr>
      );
    })}
  </Table>
);

const Sorts = ({ of }: { readonly of: readonly (readonly [string, readonly ToldEvent[]])[] }) => (
  <>
    {of.slice(0, MOST_SORTS).map(([type, alike]) => (
      <div key={type}>
        {alike.slice(0, MOST_ALIKE).map((event) => (
          <div class="told" key={event.Seq}>
            <span>
              <About of={event.About} namespace={event.Namespace} />
            </span>
            <Told of={event} />
          </div>
        ))}
        {alike.length > MOST_ALIKE && (
          <p class="muted">
            {alike.length - MOST_ALIKE} more like it ({inWords(type)})
          </p>
        )}
      </div>
    ))}
    {of.length > MOST_SORTS && <p class="muted">and {many(of.length - MOST_SORTS, 'other sort')} of events</p>}
  </>
);
