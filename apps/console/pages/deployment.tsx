import { sentenceOfWait } from '@app/story';
import { useState } from 'preact/hooks';
import { jobAddress } from '../address/address.ts';
import { DeploymentActions, PromoteGroup, SetHealth, type Deployment } from '../parts/deployment-actions.tsx';
import { History } from '../parts/history.tsx';
import type { Allocation } from '../parts/looks.ts';
import { Answer } from '../parts/answer.tsx';
import { Ago, Progress, Table } from '../parts/parts.tsx';
import { ALLOCATION_HEADS, AllocationRows, Slots } from '../parts/slots.tsx';
import { Timeline } from '../parts/timeline.tsx';
import { Otherwise, PausedBy, useWait } from '../parts/wait-said.tsx';
import { short, visible } from '../parts/words.ts';
import { useList, useRead } from '../store/use-read.ts';

/** How far, how well, what next? */
export function DeploymentPage({ id }: { readonly id: string }) {
  const path = encodeURIComponent(id);
  const deployment = useRead<Deployment>(`/v1/deployment/${path}`, { keys: [id] });
  const allocations = useList<Allocation>(`/v1/deployment/allocations/${path}`, 'Allocation', { key: id });
  return (
    <Answer of={deployment} isPage>
      {(one) => (
        <>
          <p class="crumb">
            Deployment <code>{short(id)}</code> of{' '}
            <a href={jobAddress(one.JobID, one.Namespace)}>
              {visible(one.JobID)}@{visible(one.Namespace)}
            </a>
            , version {one.JobVersion}, <span class="status">{visible(one.Status)}</span>, begun{' '}
            <Ago at={one.CreateTime} />
          </p>
          <Now of={one} allocations={allocations.value ?? []} />
          <h2>Groups</h2>
          <Groups of={one} />
          <h2>Slots</h2>
          <Answer of={allocations}>
            {(all) => (
              <>
                <Slots allocations={all} />
                <details>
                  <summary>As a table</summary>
                  <Table heads={ALLOCATION_HEADS} caption="Allocations">
                    <AllocationRows allocations={all} />
                  </Table>
                </details>
              </>
            )}
          </Answer>
          <h2>Timeline</h2>
          <History kind="deployment" id={id} namespace={one.Namespace} />
          <WithAll id={id} />
        </>
      )}
    </Answer>
  );
}

/** The same together with what happened to its allocations and evaluations; asked for only when it is wanted. */
function WithAll({ id }: { readonly id: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>With its allocations and evaluations</summary>
      {isOpen && <Timeline of={`deployment/${id}`} id={id} />}
    </details>
  );
}

/** For what it waits, what happens if nobody acts, and what may be done. */
function Now({ of, allocations }: { readonly of: Deployment; readonly allocations: readonly Allocation[] }) {
  const wait = useWait(of);
  const sentence = wait && sentenceOfWait(wait);
  return (
    <>
      <h1 class="answer" aria-live="polite">
        {visible(sentence?.says ?? of.StatusDescription)}
      </h1>
      {wait?.WaitingFor === 'resume' && (
        <p>
          Paused
          <PausedBy id={of.ID} />
        </p>
      )}
      <Otherwise of={sentence} />
      {wait?.WaitingFor === 'placement' && (
        <p>
          <a href={jobAddress(of.JobID, of.Namespace, 'evaluations')}>Why not?</a>
        </p>
      )}
      <div class="row">
        <DeploymentActions of={of} />
        <SetHealth of={of} allocations={allocations} />
      </div>
    </>
  );
}

const GROUP_HEADS = ['Group', 'Canaries', 'Placed', 'Healthy', 'Unhealthy', 'Promotion', 'If it fails'] as const;

function Groups({ of }: { readonly of: Deployment }) {
  const groups = Object.entries(of.TaskGroups ?? {});
  return (
    <Table heads={GROUP_HEADS} caption="Groups">
      {groups.map(([name, group]) => (
        <tr key={name}>
          <th scope="row">{visible(name)}</th>
          <td>
            {group.DesiredCanaries === 0 ? '–' : `${group.PlacedCanaries?.length ?? 0} of ${group.DesiredCanaries}`}
          </td>
          <td>{group.PlacedAllocs}</td>
          <td>
            <Progress done={group.HealthyAllocs} total={group.DesiredTotal} label={`healthy of ${visible(name)}`} />{' '}
            {group.HealthyAllocs} of {group.DesiredTotal}
          </td>
          <td>{group.UnhealthyAllocs}</td>
          <td>
            {group.DesiredCanaries === 0
              ? 'not needed'
              : group.Promoted
                ? 'promoted'
                : group.AutoPromote
                  ? 'by itself'
                  : 'by a person'}{' '}
            {groups.length > 1 && <PromoteGroup of={of} name={name} group={group} />}
          </td>
          <td>{group.AutoRevert ? 'goes back' : 'stays as it is'}</td>
        </tr>
      ))}
    </Table>
  );
}
