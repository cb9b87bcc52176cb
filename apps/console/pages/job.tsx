import { many, sentenceOfWait } from '@app/story';
import { useState } from 'preact/hooks';
import { JOB_TABS, jobAddress, objectAddress, type JobTab } from '../address/address.ts';
import { DeploymentActions, isActive, type Deployment } from '../parts/deployment-actions.tsx';
import { Answer } from '../parts/answer.tsx';
import { Ago, Table } from '../parts/parts.tsx';
import { ask } from '../parts/act.tsx';
import { isCanary, lookOf, type Allocation } from '../parts/looks.ts';
import { ALLOCATION_HEADS, AllocationRows, Slots } from '../parts/slots.tsx';
import { isPast } from '../store/go.ts';
import { Timeline } from '../parts/timeline.tsx';
import { Otherwise, useWait, WaitSaid } from '../parts/wait-said.tsx';
import { short, visible } from '../parts/words.ts';
import { WhyNot } from '../parts/why-not.tsx';
import { useList, useRead } from '../store/use-read.ts';
import { Evaluations, type Evaluation } from './evaluations.tsx';
import { Versions } from './versions.tsx';

interface Job {
  readonly ID: string;
  readonly Namespace: string;
  readonly Type: string;
  readonly Status: string;
  readonly Stop: boolean;
  readonly Version: number;
  readonly TaskGroups: readonly { readonly Name: string; readonly Count: number }[] | null;
}

/** Is it well, and is it what I think it is? */
export function JobPage({
  id,
  namespace,
  tab,
}: {
  readonly id: string;
  readonly namespace: string;
  readonly tab: JobTab;
}) {
  const ns = `?namespace=${encodeURIComponent(namespace)}`;
  const path = `/v1/job/${encodeURIComponent(id)}`;
  const about = { keys: [id] };
  const job = useRead<Job>(`${path}${ns}`, about);
  const of = { key: id, namespace };
  const allocations = useList<Allocation>(`${path}/allocations${ns}`, 'Allocation', of);
  const deployments = useList<Deployment>(`${path}/deployments${ns}`, 'Deployment', of);
  const current = deployments.value?.find(({ Status }) => isActive(Status));
  return (
    <Answer of={job} isPage>
      {(one) => {
        const wanted = (one.TaskGroups ?? []).reduce((sum, { Count }) => sum + Count, 0);
        const live = (allocations.value ?? []).filter((alloc) => lookOf(alloc) !== 'gone');
        const canaries = live.filter((alloc) => alloc.JobVersion === one.Version && isCanary(alloc));
        const beside = current === undefined ? 0 : Math.max(0, Math.min(canaries.length, live.length - wanted));
        const newest = live.filter(({ JobVersion }) => JobVersion === one.Version).length;
        return (
          <>
            <p class="crumb">
              {visible(one.ID)}@{visible(one.Namespace)}, {visible(one.Type)}, version {one.Version},{' '}
              <span class="status">{visible(one.Status)}</span>
            </p>
            <h1 class="answer" aria-live="polite">
              {one.Stop
                ? `${visible(one.ID)} is stopped.`
                : `${live.length - beside} of ${many(wanted, 'slot')} filled, ${beside > 0 ? `beside them ${many(beside, 'canary')} of version ${one.Version}` : `${newest} with version ${one.Version}`}.`}
            </h1>
            <JobActions of={one} path={path} ns={ns} />
            <nav class="tabs" aria-label="Parts of the job">
              {JOB_TABS.map((name) => (
                <a key={name} href={jobAddress(id, namespace, name)} aria-current={name === tab ? 'page' : undefined}>
                  {name}
                </a>
              ))}
            </nav>
            {tab === 'overview' && (
              <>
                {current !== undefined && <CurrentWait of={current} />}
                <h2>Slots</h2>
                <Answer of={allocations}>{(all) => <Slots allocations={all} />}</Answer>
              </>
            )}
            {tab === 'deployments' && <Deployments of={deployments.value ?? []} />}
            {tab === 'allocations' && (
              <Answer of={allocations} empty="Nothing was placed yet.">
                {(all) => (
                  <Table heads={ALLOCATION_HEADS} caption="Allocations">
                    <AllocationRows allocations={[...all].sort((a, b) => b.ModifyTime - a.ModifyTime)} />
                  </Table>
                )}
              </Answer>
            )}
            {tab === 'versions' && <Versions path={path} ns={ns} id={id} namespace={namespace} current={one.Version} />}
            {tab === 'evaluations' && <EvaluationsOf path={`${path}/evaluations${ns}`} id={id} namespace={namespace} />}
            {tab === 'history' && <Timeline of={`job/${namespace}/${id}`} id={id} />}
            {tab === 'definition' && <Definition of={one} />}
          </>
        );
      }}
    </Answer>
  );
}

function JobActions({ of, path, ns }: { readonly of: Job; readonly path: string; readonly ns: string }) {
  if (isPast.value || of.Stop) return null;
  const groups = of.TaskGroups ?? [];
  return (
    <div class="row">
      {groups.length > 0 && (
        <button
          type="button"
          onClick={() =>
            ask({
              title: `Scale ${visible(of.ID)}?`,
              effect: 'The group gets as many slots as you say. Nothing else changes.',
              verb: 'Scale',
              fields: [
                {
                  kind: 'choice',
                  name: 'group',
                  label: 'Group',
                  initial: groups[0]!.Name,
                  among: groups.map(({ Name }) => Name),
                },
                { kind: 'text', name: 'count', label: 'Slots', initial: String(groups[0]!.Count) },
              ],
              steps: (values) => {
                const count = Number(values.get('count'));
                if (!Number.isInteger(count) || count < 0 || values.get('count') === '') return [];
                return [{ path: `${path}/scale${ns}`, body: { Target: { Group: values.get('group') }, Count: count } }];
              },
              about: [of.ID],
            })
          }
        >
          Scale…
        </button>
      )}
      <button
        type="button"
        onClick={() =>
          ask({
            title: `Stop ${visible(of.ID)}?`,
            effect: 'Every allocation of it is stopped. Its versions stay, and any of them can be brought back.',
            verb: 'Stop the job',
            steps: [{ method: 'DELETE', path: `${path}${ns}` }],
            about: [of.ID],
            command: `nomad job stop -namespace=${of.Namespace} ${of.ID}`,
          })
        }
      >
        Stop…
      </button>
    </div>
  );
}

function CurrentWait({ of }: { readonly of: Deployment }) {
  const wait = useWait(of);
  const sentence = wait && sentenceOfWait(wait);
  return (
    <article class={`rollout ${sentence?.forPerson ? 'waits' : ''}`}>
      <div class="grow">
        <p class="title">
          <a href={objectAddress('deployments', of.ID)}>Deployment {short(of.ID)}</a> of version {of.JobVersion}
        </p>
        <WaitSaid of={of} wait={wait} />
        <Otherwise of={sentence} />
        {wait?.WaitingFor === 'placement' && (
          <p>
            <a href={jobAddress(of.JobID, of.Namespace, 'evaluations')}>Why not?</a>
          </p>
        )}
      </div>
      <DeploymentActions of={of} />
    </article>
  );
}

function Deployments({ of }: { readonly of: readonly Deployment[] }) {
  if (of.length === 0)
    return <p class="muted">This job has no deployments: it has no update block, or none was needed.</p>;
  return (
    <Table heads={['Deployment', 'Version', 'Status', 'What it says', 'Changed']} caption="Deployments">
      {[...of]
        .sort((a, b) => b.CreateTime - a.CreateTime)
        .map((one) => (
          <tr key={one.ID}>
            <td>
              <a href={objectAddress('deployments', one.ID)}>{short(one.ID)}</a>
            </td>
            <td>v{one.JobVersion}</td>
            <td>{visible(one.Status)}</td>
            <td>{visible(one.StatusDescription)}</td>
            <td>
              <Ago at={one.ModifyTime} />
            </td>
          </tr>
        ))}
    </Table>
  );
}

function EvaluationsOf({
  path,
  id,
  namespace,
}: {
  readonly path: string;
  readonly id: string;
  readonly namespace: string;
}) {
  const evaluations = useRead<readonly Evaluation[]>(path, { keys: [id] });
  return (
    <Answer of={evaluations} empty="None is kept.">
      {(all) => (
        <>
          {all.some(({ Status }) => Status === 'blocked') && (
            <WhyNot query={`job=${encodeURIComponent(id)}&namespace=${encodeURIComponent(namespace)}`} />
          )}
          <Evaluations of={all} caption="Evaluations" />
        </>
      )}
    </Answer>
  );
}

const MOST_LINES = 500;

function Definition({ of }: { readonly of: object }) {
  const [isWhole, setWhole] = useState(false);
  const lines = JSON.stringify(of, null, 2).split('\n').map(visible);
  return (
    <>
      <pre tabIndex={0}>{(isWhole ? lines : lines.slice(0, MOST_LINES)).join('\n')}</pre>
      {!isWhole && lines.length > MOST_LINES && (
        <button type="button" onClick={() => setWhole(true)}>
          Show all {lines.length} lines
        </button>
      )}
    </>
  );
}
