import { visible } from './words.ts';

interface FieldDiff {
  readonly Type: string;
  readonly Name: string;
  readonly Old: string;
  readonly New: string;
  readonly Annotations: readonly string[] | null;
}
export interface ObjectDiff {
  readonly Type: string;
  readonly Name: string;
  readonly ID?: string;
  readonly Fields: readonly FieldDiff[] | null;
  readonly Objects: readonly ObjectDiff[] | null;
  readonly TaskGroups?: readonly ObjectDiff[] | null;
  readonly Tasks?: readonly ObjectDiff[] | null;
}
interface Change {
  readonly where: string;
  readonly field: FieldDiff;
}

/** The changed fields of a diff, each with where it is. */
export function* changes(diff: ObjectDiff, where: readonly string[] = []): Generator<Change> {
  if (diff.Type === 'None') return;
  for (const field of diff.Fields ?? []) if (field.Type !== 'None') yield { where: where.join(' › '), field };
  for (const part of [...(diff.Objects ?? []), ...(diff.TaskGroups ?? []), ...(diff.Tasks ?? [])])
    yield* changes(part, [...where, part.Name]);
}

const MOST_CHANGES = 100;

/** What differs, field by field. */
export function Changes({
  of,
  caption,
  most = MOST_CHANGES,
}: {
  readonly of: ObjectDiff | null | undefined;
  readonly caption: string;
  readonly most?: number;
}) {
  const changed = of ? [...changes(of)] : [];
  if (changed.length === 0) return <p class="muted">No field differs.</p>;
  return (
    <>
      <table class="diff">
        <caption class="hidden">{caption}</caption>
        <tbody>
          {changed.slice(0, most).map(({ where, field }) => (
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
      {changed.length > most && <p class="muted">{changed.length - most} more changes are not shown.</p>}
    </>
  );
}
