import { jobAddress, objectAddress } from '../address/address.ts';
import { ask } from '../parts/act.tsx';
import { askForHealth } from '../parts/deployment-actions.tsx';
import { History } from '../parts/history.tsx';
import { Logs } from '../parts/logs.tsx';
import { lookOf, type Allocation } from '../parts/looks.ts';
import { Answer } from '../parts/answer.tsx';
import { Ago, Table } from '../parts/parts.tsx';
import { StatusOf } from '../parts/slots.tsx';
import { Terminal } from '../parts/terminal.tsx';
import { short, visible } from '../parts/words.ts';
import { isPast } from '../store/go.ts';
import { useRead } from '../store/use-read.ts';

interface TaskState {
  readonly State: string;
  readonly Failed: boolean;
  readonly Restarts: number;
  readonly Events: readonly { readonly Type: string; readonly Time: number; readonly DisplayMessage: string }[] | null;
}
interface Whole extends Omit<Allocation, 'JobVersion'> {
  readonly Job: { readonly Version: number };
  readonly DeploymentID: string;
  readonly EvalID: string;
  readonly PreviousAllocation: string;
  readonly NextAllocation: string;
  readonly TaskStates: Readonly<Record<string, TaskState>> | null;
}

/** What became of it, minute by minute? */
export function AllocationPage({ id }: { readonly id: string }) {
  const allocation = useRead<Whole>(`/v1/allocation/${encodeURIComponent(id)}`, { keys: [id] });
  return (
    <Answer of={allocation} isPage>
      {(one) => (
        <>
          <p class="crumb">
            {visible(one.Name)} of{' '}
            <a href={jobAddress(one.JobID, one.Namespace)}>
              {visible(one.JobID)}@{visible(one.Namespace)}
            </a>
            , version {one.Job.Version}, on <a href={objectAddress('clients', one.NodeID)}>{visible(one.NodeName)}</a>
          </p>
          <h1 class="answer" aria-live="polite">
            <StatusOf of={one} />, placed <Ago at={one.CreateTime} />
          </h1>
          {Boolean(one.DesiredDescription) && <p>{visible(one.DesiredDescription)}</p>}
          <p class="row">
            <Linked label="in place of" kind="allocations" id={one.PreviousAllocation} />
            <Linked label="replaced by" kind="allocations" id={one.NextAllocation} />
            <Linked label="deployment" kind="deployments" id={one.DeploymentID} />
            <Linked label="evaluation" kind="evaluations" id={one.EvalID} />
          </p>
          <Actions of={one} />
          {Object.entries(one.TaskStates ?? {}).map(([task, state]) => (
            <section key={task} aria-label={`Task ${visible(task)}`}>
              <h2>
                Task {visible(task)}{' '}
                <span class="muted">
                  {visible(state.State)}, {state.Restarts} restarts
                </span>
              </h2>
              <Table heads={['When', 'Event', 'What it says']} caption={`Events of ${visible(task)}`}>
                {[...(state.Events ?? [])].reverse().map((event, at) => (
                  <tr key={`${event.Time} ${at}`}>
                    <td>
                      <Ago at={event.Time} />
                    </td>
                    <td>{visible(event.Type)}</td>
                    <td>{visible(event.DisplayMessage)}</td>
                  </tr>
                ))}
              </Table>
              {!isPast.value && <Logs id={id} task={task} isLive={lookOf(one) !== 'gone'} />}
              {!isPast.value && state.State === 'running' && <Terminal id={id} task={task} />}
            </section>
          ))}
          {!one.TaskStates && <p class="muted">Its node has not yet said anything about it.</p>}
          <h2>History</h2>
          <History kind="allocation" id={id} namespace={one.Namespace} />
        </>
      )}
    </Answer>
  );
}

function Linked({
  label,
  kind,
  id,
}: {
  readonly label: string;
  readonly kind: 'allocations' | 'deployments' | 'evaluations';
  readonly id: string;
}) {
  if (!id) return null;
  return (
    <span class="muted">
      {label} <a href={objectAddress(kind, id)}>{short(id)}</a>
    </span>
  );
}

function Actions({ of }: { readonly of: Whole }) {
  if (isPast.value || lookOf(of) === 'gone') return null;
  const path = encodeURIComponent(of.ID);
  const stub = { ...of, JobVersion: of.Job.Version };
  return (
    <div class="row">
      {Boolean(of.DeploymentID) && of.DeploymentStatus?.Healthy !== false && (
        <button type="button" onClick={() => askForHealth({ ID: of.DeploymentID }, [stub])}>
          Set health…
        </button>
      )}
      <button
        type="button"
        onClick={() =>
          ask({
            title: `Restart the tasks of ${visible(of.Name)}?`,
            effect: 'Its tasks end and start again where they are. The allocation stays.',
            verb: 'Restart',
            steps: [{ path: `/v1/client/allocation/${path}/restart`, body: {} }],
            isHeldBySight: false,
            command: `nomad alloc restart ${of.ID}`,
          })
        }
      >
        Restart…
      </button>
      <button
        type="button"
        onClick={() =>
          ask({
            title: `Stop ${visible(of.Name)}?`,
            effect: 'It is stopped, and another allocation takes its slot.',
            verb: 'Stop',
            steps: [{ path: `/v1/allocation/${path}/stop`, body: {} }],
            about: [of.ID],
            command: `nomad alloc stop ${of.ID}`,
          })
        }
      >
        Stop…
      </button>
    </div>
  );
}
