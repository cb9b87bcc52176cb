import { sentenceOfWait, type Wait } from '@app/story';
import type { Deployment } from './deployment-actions.tsx';
import { Ago } from './parts.tsx';
import { visible } from './words.ts';

/** For what a deployment waits and since when; until that is read, how the deployment describes itself. */
export function WaitSaid({ of, wait }: { readonly of: Deployment; readonly wait: Wait | undefined }) {
  return (
    <p>
      {wait ? sentenceOfWait(wait).says : visible(of.StatusDescription)}
      {wait?.Since ? (
        <span class="muted">
          , since <Ago at={wait.Since} />
        </span>
      ) : null}
    </p>
  );
}
