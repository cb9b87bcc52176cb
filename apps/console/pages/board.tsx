import { many, sentenceOfWait, type Wait } from '@app/story';
import { jobAddress, objectAddress } from '../address/address.ts';
import { Choose, chosen, Chosen } from '../parts/choice.tsx';
import {
  askToFail,
  askToPause,
  askToPromote,
  DeploymentActions,
  isActive,
  isPromotable,
  waitsForPerson,
  type Deployment,
} from '../parts/deployment-actions.tsx';
import { Answer } from '../parts/answer.tsx';
import { Ago, Progress } from '../parts/parts.tsx';
import { Otherwise, usePastWait, useWaits, WaitSaid } from '../parts/wait-said.tsx';
import { visible } from '../parts/words.ts';
import { useList } from '../store/use-read.ts';

const MOST_ENDED = 10;
const MOST_ACTIVE = 50;

/** What moves, and what waits for whom? */
export function Board() {
  const deployments = useList<Deployment>('/v1/deployments?namespace=*', 'Deployment');
  const waits = useWaits(
    '*',
    (deployments.value ?? []).some(({ Status }) => isActive(Status)),
  );
  return (
    <Answer of={deployments} isPage>
      {(all) => {
        const active = all.filter(({ Status }) => isActive(Status)).sort((a, b) => a.CreateTime - b.CreateTime);
        const ended = all.filter(({ Status }) => !isActive(Status)).sort((a, b) => b.ModifyTime - a.ModifyTime);
        const waiting = active.filter(waitsForPerson);
        const forRoom = active.filter((one) => !waitsForPerson(one) && waits.get(one.ID)?.WaitingFor === 'placement');
        const moving = active.filter((one) => !waitsForPerson(one) && !forRoom.includes(one));
        const shown = ended.slice(0, MOST_ENDED);
        return (
          <>
            <h1 class="answer" aria-live="polite">
              {active.length === 0
                ? 'Nothing is rolling out.'
                : `${many(waiting.length, 'rollout')} ${waiting.length === 1 ? 'waits' : 'wait'} for a person, ${forRoom.length === 0 ? '' : `${forRoom.length} for room, `}${moving.length} ${moving.length === 1 ? 'moves by itself' : 'move by themselves'}.`}
            </h1>
            {all.length === 0 && (
              <p>
                Rollouts appear here as soon as a job with an <code>update</code> block is registered;{' '}
                <code>npm run demo</code> makes one.
              </p>
            )}
            <ActionsForAll of={active.filter(({ ID }) => chosen.value.has(ID))} />
            <Part title="Waits for you" of={waiting} waits={waits} />
            <Part title="Waits for room" of={forRoom} waits={waits} />
            <Part title="Moves" of={moving} waits={waits} />
            {active.length > MOST_ACTIVE && (
              <p class="muted">Each part shows {MOST_ACTIVE} at most, the oldest first.</p>
            )}
            {shown.length > 0 && <h2>Ended last</h2>}
            <ul class="ended">
              {shown.map((one) => (
                <li key={one.ID}>
                  <span class="status">{visible(one.Status)}</span>
                  <a href={objectAddress('deployments', one.ID)}>
                    {visible(one.JobID)}@{visible(one.Namespace)} v{one.JobVersion}
                  </a>
                  <span class="muted">
                    {visible(one.StatusDescription)}, <Ago at={one.ModifyTime} />
                  </span>
                </li>
              ))}
            </ul>
          </>
        );
      }}
    </Answer>
  );
}

const groupsOf = ({ TaskGroups }: Deployment) => Object.values(TaskGroups ?? {});

function ActionsForAll({ of }: { readonly of: readonly Deployment[] }) {
  const paused = of.filter(({ Status }) => Status === 'paused');
  const running = of.filter(({ Status }) => Status !== 'paused');
  const ready = running.filter((one) => groupsOf(one).some(isPromotable));
  return (
    <Chosen count={of.length} noun="rollout">
      {ready.length > 0 && (
        <button type="button" onClick={() => askToPromote(ready)}>
          Promote {ready.length}…
        </button>
      )}
      {running.length > 0 && (
        <button type="button" onClick={() => askToPause(running, true)}>
          Pause {running.length}…
        </button>
      )}
      {paused.length > 0 && (
        <button type="button" onClick={() => askToPause(paused, false)}>
          Resume {paused.length}…
        </button>
      )}
      <button type="button" onClick={() => void askToFail(of)}>
        Fail {of.length}…
      </button>
    </Chosen>
  );
}

function Part({
  title,
  of,
  waits,
}: {
  readonly title: string;
  readonly of: readonly Deployment[];
  readonly waits: ReadonlyMap<string, Wait>;
}) {
  if (of.length === 0) return null;
  return (
    <>
      <h2>{title}</h2>
      {of.slice(0, MOST_ACTIVE).map((one) => (
        <Row key={one.ID} of={one} wait={waits.get(one.ID)} />
      ))}
    </>
  );
}

function Row({ of, wait: told }: { readonly of: Deployment; readonly wait: Wait | undefined }) {
  const then = usePastWait(of);
  const wait = told ?? then;
  const total = groupsOf(of).reduce((sum, group) => sum + group.DesiredTotal, 0);
  const healthy = groupsOf(of).reduce((sum, group) => sum + group.HealthyAllocs, 0);
  return (
    <article class={`rollout ${waitsForPerson(of) ? 'waits' : ''}`}>
      <Choose id={of.ID} called={visible(of.JobID)} />
      <div class="grow">
        <p class="title">
          <a href={jobAddress(of.JobID, of.Namespace)}>
            {visible(of.JobID)}@{visible(of.Namespace)}
          </a>{' '}
          <a href={objectAddress('deployments', of.ID)}>version {of.JobVersion}</a>
        </p>
        <WaitSaid of={of} wait={wait} />
        <Otherwise of={wait && sentenceOfWait(wait)} />
        {wait?.WaitingFor === 'placement' && (
          <p>
            <a href={jobAddress(of.JobID, of.Namespace, 'evaluations')}>Why not?</a>
          </p>
        )}
      </div>
      <div class="measure">
        <Progress done={healthy} total={total} label={`healthy allocations of ${visible(of.JobID)}`} />
        <span>
          {healthy} of {total} healthy
        </span>
      </div>
      <DeploymentActions of={of} />
    </article>
  );
}
