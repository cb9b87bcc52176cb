import { useState } from 'preact/hooks';
import { JOB_TABS, jobAddress, objectAddress, type JobTab } from '../address/address.ts';
import { DeploymentActions, isActive, type Deployment } from '../parts/deployment-actions.tsx';
import { History } from '../parts/history.tsx';
import { Ago, Answer, Table } from '../parts/parts.tsx';
import { AllocationRows, lookOf, Slots, type Allocation } from '../parts/slots.tsx';
import { WaitSaid } from '../parts/wait-said.tsx';
import { many, sentenceOfWait, short, visible, type Wait } from '../parts/words.ts';
import { useRead } from '../store/use-read.ts';
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

interface Evaluation {
  readonly ID: string;
  readonly Status: string;
  readonly StatusDescription: string;
  readonly TriggeredBy: string;
  readonly CreateTime: number;
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
  const allocations = useRead<readonly Allocation[]>(`${path}/allocations${ns}`, about);
  const deployments = useRead<readonly Deployment[]>(`${path}/deployments${ns}`, about);
  const current = deployments.value?.find(({ Status }) => isActive(Status));
  return (
    <Answer of={job}>
      {(one) => {
        const wanted = (one.TaskGroups ?? []).reduce((sum, { Count }) => sum + Count, 0);
        const live = (allocations.value ?? []).filter((alloc) => lookOf(alloc) !== 'gone');
        const canaries = live.filter(
          (alloc) => alloc.JobVersion === one.Version && alloc.DeploymentStatus?.Canary === true,
        );
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
                : `${live.length - beside} of ${many(wanted, 'slot')} filled, ${beside > 0 ? `beside them ${many(beside, 'canary').replace('canarys', 'canaries')} of version ${one.Version}` : `${newest} with version ${one.Version}`}.`}
            </h1>
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
                  <Table heads={['Health', 'Slot', 'Version', 'Node', 'Why stopped']} caption="Allocations">
                    <AllocationRows allocations={[...all].sort((a, b) => b.ModifyTime - a.ModifyTime)} />
                  </Table>
                )}
              </Answer>
            )}
            {tab === 'versions' && <Versions path={path} ns={ns} id={id} current={one.Version} />}
            {tab === 'evaluations' && <Evaluations path={`${path}/evaluations${ns}`} id={id} />}
            {tab === 'history' && <History kind="job" id={id} namespace={namespace} />}
            {tab === 'definition' && <Definition of={one} />}
          </>
        );
      }}
    </Answer>
  );
}

function CurrentWait({ of }: { readonly of: Deployment }) {
  const wait = useRead<Wait>(`/v1/operator/rollbook/deployment/${encodeURIComponent(of.ID)}`, { keys: [of.ID] });
  const sentence = wait.value && sentenceOfWait(wait.value);
  return (
    <article class={`rollout ${sentence?.forPerson ? 'waits' : ''}`}>
      <div class="grow">
        <p class="title">
          <a href={objectAddress('deployments', of.ID)}>Deployment {short(of.ID)}</a> of version {of.JobVersion}
        </p>
        <WaitSaid of={of} wait={wait.value} />
        <p class="muted">{sentence?.otherwise}</p>
      </div>
      <DeploymentActions of={of} promotable={wait.value?.WaitingFor === 'promotion' && wait.value.By === 'operator'} />
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

function Evaluations({ path, id }: { readonly path: string; readonly id: string }) {
  const evaluations = useRead<readonly Evaluation[]>(path, { keys: [id] });
  return (
    <Answer of={evaluations} empty="None is kept.">
      {(all) => (
        <Table heads={['Evaluation', 'Status', 'Because of', 'What it says', 'When']} caption="Evaluations">
          {all.map((one) => (
            <tr key={one.ID}>
              <td>
                <a href={objectAddress('evaluations', one.ID)}>{short(one.ID)}</a>
              </td>
              <td>{visible(one.Status)}</td>
              <td>{visible(one.TriggeredBy)}</td>
              <td>{visible(one.StatusDescription)}</td>
              <td>
                <Ago at={one.CreateTime} />
              </td>
            </tr>
          ))}
        </Table>
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
