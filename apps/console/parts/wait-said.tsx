import { duration, sentenceOfWait, type Sentence, type Wait } from '@app/story';
import { now } from '../store/live.ts';
import { useRead } from '../store/use-read.ts';
import { isActive, type Deployment } from './deployment-actions.tsx';
import type { Event } from './event.ts';
import { Ago, Who, Why } from './parts.tsx';
import { visible } from './words.ts';
import { isPast } from '../store/go.ts';

interface Waiting {
  readonly Total: number;
  readonly Deployments: readonly Wait[];
}

/** Rules are asked again at most so often: who leads looks at the whole cluster for it. */
const EVERY_MS = 500;

/** For what each active deployment of a namespace waits, by its id; of the past nobody knows what would have followed. */
export function useWaits(namespace: string, isWanted = true): ReadonlyMap<string, Wait> {
  const { value } = useRead<Waiting>(
    isPast.value || !isWanted ? undefined : `/v1/operator/rollbook/waiting?namespace=${encodeURIComponent(namespace)}`,
    { topics: ['Deployment', 'Evaluation'], every: EVERY_MS },
  );
  return new Map((value?.Deployments ?? []).map((one) => [one.DeploymentID, one]));
}

/** For what one deployment waits. */
export function useWait(of: Deployment): Wait | undefined {
  const all = useWaits(of.Namespace, isActive(of.Status));
  const then = usePastWait(of);
  return all.get(of.ID) ?? then;
}

/** For what a deployment waited at the moment that is shown. */
export function usePastWait({ ID, Status }: Deployment): Wait | undefined {
  return useRead<Wait>(
    isPast.value && isActive(Status) ? `/v1/operator/rollbook/deployment/${encodeURIComponent(ID)}` : undefined,
    {},
  ).value;
}

/** For what a deployment waits and since when; until that is read, how the deployment describes itself. */
export function WaitSaid({ of, wait }: { readonly of: Deployment; readonly wait: Wait | undefined }) {
  return (
    <p>
      {visible(wait ? sentenceOfWait(wait).says : of.StatusDescription)}
      {wait?.Since ? (
        <span class="muted">
          , since <Ago at={wait.Since} />
        </span>
      ) : null}
      {wait?.WaitingFor === 'resume' && <PausedBy id={of.ID} />}
    </p>
  );
}

/** Who paused a deployment, and why; its history may not be for everybody. */
export function PausedBy({ id }: { readonly id: string }) {
  const { value = [] } = useRead<readonly Event[]>(
    `/v1/operator/rollbook/history/deployment/${encodeURIComponent(id)}`,
    { keys: [id] },
  );
  const last = value.findLast(({ Type }) => Type === 'DeploymentPaused');
  return last === undefined ? null : (
    <>
      , by <Who of={last.Actor} />: <Why of={last.Reason} />
    </>
  );
}

/** What happens if nobody acts, and when. */
export function Otherwise({ of }: { readonly of: Sentence | undefined }) {
  if (of === undefined || of.otherwise === '') return null;
  const at = of.at === null ? Number.NaN : Date.parse(of.at);
  return (
    <p class="muted">
      If nobody acts: {of.otherwise}
      {at > 0 && (
        <>
          {' '}
          {at <= now.value ? 'Now' : `In ${duration((at - now.value) / 1000)}`}, at{' '}
          <time dateTime={of.at ?? ''}>{new Date(at).toLocaleTimeString()}</time>.
        </>
      )}
    </p>
  );
}
