import { compareAddress } from '../address/address.ts';
import { ask } from '../parts/act.tsx';
import { Choose, chosen } from '../parts/choice.tsx';
import { Changes, type ObjectDiff } from '../parts/diff.tsx';
import { Answer } from '../parts/answer.tsx';
import { Ago } from '../parts/parts.tsx';
import { visible } from '../parts/words.ts';
import { isPast } from '../store/go.ts';
import { useRead } from '../store/use-read.ts';

export interface Answered {
  readonly Versions: readonly {
    readonly ID: string;
    readonly Version: number;
    readonly Stable: boolean;
    readonly SubmitTime: number;
    readonly VersionTag: { readonly Name: string } | null;
  }[];
  readonly Diffs: readonly (ObjectDiff | null)[] | null;
}

interface Of {
  readonly path: string;
  readonly ns: string;
  readonly id: string;
  readonly namespace: string;
  readonly current: number;
}

/** What is different, and how does one go back? */
export function Versions(of: Of) {
  const { path, ns, id, namespace, current } = of;
  const answer = useRead<Answered>(`${path}/versions${ns}&diffs=true`, { keys: [id] });
  return (
    <Answer of={answer}>
      {({ Versions: all, Diffs }) => {
        const [from, to] = all
          .map(({ Version }) => Version)
          .filter((version) => chosen.value.has(`v${version}`))
          .sort((a, b) => a - b);
        return (
          <>
            <p class="row">
              {from === undefined || to === undefined ? (
                <span class="muted">Choose two to compare them.</span>
              ) : (
                <a href={compareAddress(id, namespace, from, to)}>
                  Compare version {from} and version {to}
                </a>
              )}
            </p>
            <ol class="versions">
              {all.map((one, at) => (
                <li key={one.Version}>
                  <div class="row">
                    <Choose id={`v${one.Version}`} called={`version ${one.Version}`} />
                    <h2>
                      Version {one.Version}
                      {one.Version === current ? ', now' : ''}
                      {one.Stable ? ', stable' : ''}
                      {one.VersionTag ? `, ${visible(one.VersionTag.Name)}` : ''}
                    </h2>
                    <span class="muted">
                      <Ago at={one.SubmitTime} />
                    </span>
                    {one.Version !== current && !isPast.value && (
                      <button type="button" onClick={() => askToGoBack(of, one.Version)}>
                        Go back to it…
                      </button>
                    )}
                  </div>
                  {at === all.length - 1 ? (
                    <p class="muted">The oldest that is kept: nothing to compare.</p>
                  ) : (
                    <Changes of={Diffs?.[at]} caption={`Changes of version ${one.Version}`} />
                  )}
                </li>
              ))}
            </ol>
          </>
        );
      }}
    </Answer>
  );
}

const askToGoBack = ({ path, ns, id, namespace, current }: Of, version: number): void =>
  ask({
    title: `Go back to version ${version} of ${visible(id)}?`,
    effect: `It is registered anew, as version ${current + 1}, and rolled out as any other.`,
    verb: 'Go back',
    steps: [{ path: `${path}/revert${ns}`, body: { JobID: id, JobVersion: version, EnforcePriorVersion: current } }],
    about: [id],
    command: `nomad job revert -namespace=${namespace} ${id} ${version}`,
  });
