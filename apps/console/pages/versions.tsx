import { ask } from '../parts/act.tsx';
import { Ago, Answer } from '../parts/parts.tsx';
import { visible } from '../parts/words.ts';
import { useRead } from '../store/use-read.ts';

interface FieldDiff {
  readonly Type: string;
  readonly Name: string;
  readonly Old: string;
  readonly New: string;
  readonly Annotations: readonly string[] | null;
}
interface ObjectDiff {
  readonly Type: string;
  readonly Name: string;
  readonly ID?: string;
  readonly Fields: readonly FieldDiff[] | null;
  readonly Objects: readonly ObjectDiff[] | null;
  readonly TaskGroups?: readonly ObjectDiff[] | null;
  readonly Tasks?: readonly ObjectDiff[] | null;
}
interface Answered {
  readonly Versions: readonly {
    readonly ID: string;
    readonly Version: number;
    readonly Stable: boolean;
    readonly SubmitTime: number;
    readonly VersionTag: { readonly Name: string } | null;
  }[];
  readonly Diffs: readonly (ObjectDiff | null)[] | null;
}

interface Change {
  readonly where: string;
  readonly field: FieldDiff;
}

/** The changed fields of a diff, each with where it is. */
function* changes(diff: ObjectDiff, where: readonly string[] = []): Generator<Change> {
  if (diff.Type === 'None') return;
  for (const field of diff.Fields ?? []) if (field.Type !== 'None') yield { where: where.join(' › '), field };
  for (const part of [...(diff.Objects ?? []), ...(diff.TaskGroups ?? []), ...(diff.Tasks ?? [])])
    yield* changes(part, [...where, part.Name]);
}

const MOST_CHANGES = 100;

/** What is different, and how does one go back? */
export function Versions({
  path,
  ns,
  id,
  current,
}: {
  readonly path: string;
  readonly ns: string;
  readonly id: string;
  readonly current: number;
}) {
  const answer = useRead<Answered>(`${path}/versions${ns}&diffs=true`, { keys: [id] });
  return (
    <Answer of={answer}>
      {({ Versions: all, Diffs }) => (
        <ol class="versions">
          {all.map((one, at) => {
            const diff = Diffs?.[at];
            const changed = diff === undefined || diff === null ? [] : [...changes(diff)];
            return (
              <li key={one.Version}>
                <div class="row">
                  <h2>
                    Version {one.Version}
                    {one.Version === current ? ', now' : ''}
                    {one.Stable ? ', stable' : ''}
                    {one.VersionTag ? `, ${visible(one.VersionTag.Name)}` : ''}
                  </h2>
                  <span class="muted">
                    <Ago at={one.SubmitTime} />
                  </span>
                  {one.Version !== current && (
                    <button
                      type="button"
                      onClick={() =>
                        ask({
                          title: `Go back to version ${one.Version} of ${visible(id)}?`,
                          effect: `It is registered anew, as version ${current + 1}, and rolled out as any other.`,
                          verb: 'Go back',
                          path: `${path}/revert${ns}`,
                          body: { JobID: id, JobVersion: one.Version, EnforcePriorVersion: current },
                        })
                      }
                    >
                      Go back to it…
                    </button>
                  )}
                </div>
                {at === all.length - 1 ? (
                  <p class="muted">The oldest that is kept: nothing to compare.</p>
                ) : changed.length === 0 ? (
                  <p class="muted">No field differs from the version before.</p>
                ) : (
                  <table class="diff">
                    <caption class="hidden">Changes of version {one.Version}</caption>
                    <tbody>
                      {changed.slice(0, MOST_CHANGES).map(({ where, field }) => (
                        <tr key={`${where} ${field.Name}`}>
                          <td class="muted">{visible(where)}</td>
                          <th scope="row">{visible(field.Name)}</th>
                          <td>
                            {field.Old !== '' && <del>{visible(field.Old)}</del>}{' '}
                            {field.New !== '' && <ins>{visible(field.New)}</ins>}
                          </td>
                          <td class="muted">{(field.Annotations ?? []).map(visible).join(', ')}</td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                )}
                {changed.length > MOST_CHANGES && (
                  <p class="muted">{changed.length - MOST_CHANGES} more changes are not shown.</p>
                )}
              </li>
            );
          })}
        </ol>
      )}
    </Answer>
  );
}
