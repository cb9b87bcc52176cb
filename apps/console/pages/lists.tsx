import { useState } from 'preact/hooks';
import { jobAddress, objectAddress } from '../address/address.ts';
import { History } from '../parts/history.tsx';
import { Ago, Answer, Table } from '../parts/parts.tsx';
import { AllocationRows, type Allocation } from '../parts/slots.tsx';
import { many, visible } from '../parts/words.ts';
import { useRead } from '../store/use-read.ts';

interface JobStub {
  readonly ID: string;
  readonly Namespace: string;
  readonly Type: string;
  readonly Status: string;
  readonly Stop: boolean;
  readonly Version: number;
  readonly SubmitTime: number;
}
interface NodeStub {
  readonly ID: string;
  readonly Name: string;
  readonly Datacenter: string;
  readonly NodePool: string;
  readonly NodeClass: string;
  readonly Status: string;
  readonly SchedulingEligibility: string;
  readonly Drain: boolean;
}
const MOST_ROWS = 500;

export function JobsPage() {
  const [filter, setFilter] = useState('');
  const jobs = useRead<readonly JobStub[]>('/v1/jobs?namespace=*', { topics: ['Job'] });
  return (
    <Answer of={jobs}>
      {(all) => {
        const found = all.filter(({ ID, Namespace }) =>
          `${ID}@${Namespace}`.toLowerCase().includes(filter.toLowerCase()),
        );
        return (
          <>
            <h1 class="answer">{all.length === 0 ? 'No job is registered.' : `${many(all.length, 'job')}.`}</h1>
            <label class="filter">
              Filter <input id="filter" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
            </label>
            <Table heads={['Job', 'Type', 'Status', 'Version', 'Registered']} caption="Jobs">
              {found.slice(0, MOST_ROWS).map((one) => (
                <tr key={`${one.Namespace} ${one.ID}`}>
                  <td>
                    <a href={jobAddress(one.ID, one.Namespace)}>
                      {visible(one.ID)}@{visible(one.Namespace)}
                    </a>
                  </td>
                  <td>{visible(one.Type)}</td>
                  <td>{one.Stop ? 'stopped' : visible(one.Status)}</td>
                  <td>v{one.Version}</td>
                  <td>
                    <Ago at={one.SubmitTime} />
                  </td>
                </tr>
              ))}
            </Table>
            {found.length > MOST_ROWS && <p class="muted">{found.length - MOST_ROWS} more: filter to see them.</p>}
          </>
        );
      }}
    </Answer>
  );
}

const isReady = ({ Status, SchedulingEligibility }: NodeStub): boolean =>
  Status === 'ready' && SchedulingEligibility === 'eligible';

export function NodesPage() {
  const nodes = useRead<readonly NodeStub[]>('/v1/nodes', { topics: ['Node'] });
  return (
    <Answer of={nodes}>
      {(all) => (
        <>
          <h1 class="answer" aria-live="polite">
            {all.filter(isReady).length} of {many(all.length, 'node')} take work,{' '}
            {all.filter(({ Drain }) => Drain).length} drain, {all.filter(({ Status }) => Status !== 'ready').length} are
            away.
          </h1>
          <Table heads={['Node', 'Status', 'Eligible', 'Datacenter', 'Pool', 'Class']} caption="Nodes">
            {all.slice(0, MOST_ROWS).map((one) => (
              <tr key={one.ID}>
                <td>
                  <a href={objectAddress('clients', one.ID)}>{visible(one.Name)}</a>
                </td>
                <td>{one.Drain ? 'draining' : visible(one.Status)}</td>
                <td>{one.SchedulingEligibility === 'eligible' ? 'yes' : 'no'}</td>
                <td>{visible(one.Datacenter)}</td>
                <td>{visible(one.NodePool)}</td>
                <td>{visible(one.NodeClass)}</td>
              </tr>
            ))}
          </Table>
          {all.length > MOST_ROWS && <p class="muted">{all.length - MOST_ROWS} more are not shown.</p>}
        </>
      )}
    </Answer>
  );
}

export function NodePage({ id }: { readonly id: string }) {
  const node = useRead<NodeStub>(`/v1/node/${encodeURIComponent(id)}`, { keys: [id] });
  const allocations = useRead<readonly Allocation[]>(`/v1/node/${encodeURIComponent(id)}/allocations`, { keys: [id] });
  return (
    <Answer of={node}>
      {(one) => (
        <>
          <h1 class="answer">
            {visible(one.Name)} is {one.Drain ? 'draining' : visible(one.Status)} and{' '}
            {one.SchedulingEligibility === 'eligible' ? 'takes work' : 'takes no new work'}.
          </h1>
          <h2>Allocations</h2>
          <Answer of={allocations} empty="Nothing was placed here.">
            {(all) => (
              <Table heads={['Health', 'Slot', 'Version', 'Node', 'Why stopped']} caption="Allocations">
                <AllocationRows allocations={all.slice(0, MOST_ROWS)} />
              </Table>
            )}
          </Answer>
          <h2>History</h2>
          <History kind="node" id={id} />
        </>
      )}
    </Answer>
  );
}

export function EvaluationPage({ id }: { readonly id: string }) {
  const evaluation = useRead<{
    readonly Status: string;
    readonly TriggeredBy: string;
    readonly JobID: string;
    readonly Namespace: string;
  }>(`/v1/evaluation/${encodeURIComponent(id)}`, { keys: [id] });
  return (
    <Answer of={evaluation}>
      {(one) => (
        <>
          <h1 class="answer">
            Evaluation of <a href={jobAddress(one.JobID, one.Namespace)}>{visible(one.JobID)}</a> because of{' '}
            {visible(one.TriggeredBy)}: {visible(one.Status)}.
          </h1>
          <pre tabIndex={0}>{JSON.stringify(one, null, 2).split('\n').map(visible).join('\n')}</pre>
          <h2>History</h2>
          <History kind="evaluation" id={id} namespace={one.Namespace} />
        </>
      )}
    </Answer>
  );
}

interface Lease {
  readonly Name: string;
  readonly Holder: string;
  readonly Epoch: number;
  readonly Expires: string;
  readonly ThisInstance: boolean;
}

export function ServersPage() {
  const leases = useRead<readonly Lease[]>('/v1/operator/rollbook/leases', { topics: [] });
  return (
    <>
      <h1 class="answer">Who leads what</h1>
      <Answer of={leases} empty="Nobody leads anything.">
        {(all) => (
          <Table heads={['Lease', 'Holder', 'Epoch', 'Until']} caption="Leases">
            {all.map((one) => (
              <tr key={one.Name}>
                <th scope="row">{visible(one.Name)}</th>
                <td>
                  {one.Holder === '' ? 'nobody' : visible(one.Holder)}
                  {one.ThisInstance ? ' (answers you)' : ''}
                </td>
                <td>{one.Epoch}</td>
                <td>
                  <code>{visible(one.Expires)}</code>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Answer>
    </>
  );
}
