import { many } from '@app/story';
import { compareAddress, jobAddress } from '../address/address.ts';
import { changes, Changes } from '../parts/diff.tsx';
import { Answer } from '../parts/answer.tsx';
import { visible } from '../parts/words.ts';
import { useRead } from '../store/use-read.ts';
import type { Answered } from './versions.tsx';

const ALL = 10_000;

/** How do two versions differ, and what does that force? */
export function ComparePage({
  id,
  namespace,
  from,
  to,
}: {
  readonly id: string;
  readonly namespace: string;
  readonly from: number;
  readonly to: number;
}) {
  const answer = useRead<Answered>(
    `/v1/job/${encodeURIComponent(id)}/versions?namespace=${encodeURIComponent(namespace)}&diffs=true&diff_version=${from}`,
    { keys: [id] },
  );
  return (
    <Answer of={answer} isPage>
      {({ Versions: all, Diffs }) => {
        const at = all.findIndex(({ Version }) => Version === to);
        const isKept = at >= 0 && all.some(({ Version }) => Version === from);
        const diff = Diffs?.[at];
        const count = diff ? [...changes(diff)].length : 0;
        return (
          <>
            <p class="crumb">
              <a href={jobAddress(id, namespace, 'versions')}>
                Versions of {visible(id)}@{visible(namespace)}
              </a>
            </p>
            <h1 class="answer">
              {isKept
                ? `${many(count, 'field')} ${count === 1 ? 'differs' : 'differ'} between version ${from} and version ${to}.`
                : `Version ${from} and version ${to} are not both kept.`}
            </h1>
            <p class="row">
              <span>
                Compare version {from} with{' '}
                {all
                  .filter(({ Version }) => Version !== from && Version !== to)
                  .map(({ Version }) => (
                    <a key={Version} class="spaced" href={compareAddress(id, namespace, from, Version)}>
                      {Version}
                    </a>
                  ))}
              </span>
            </p>
            {isKept && <Changes of={diff} caption={`Changes from ${from} to ${to}`} most={ALL} />}
          </>
        );
      }}
    </Answer>
  );
}
