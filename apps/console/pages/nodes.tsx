import { many } from '@app/story';
import { objectAddress } from '../address/address.ts';
import { ask, type Step } from '../parts/act.tsx';
import { Choose, chosen, Chosen } from '../parts/choice.tsx';
import { History } from '../parts/history.tsx';
import { lookOf, type Allocation } from '../parts/looks.ts';
import { Answer } from '../parts/answer.tsx';
import { Table } from '../parts/parts.tsx';
import { ALLOCATION_HEADS, AllocationRows } from '../parts/slots.tsx';
import { visible } from '../parts/words.ts';
import { isPast } from '../store/go.ts';
import { useRead } from '../store/use-read.ts';

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

const isReady = ({ Status, SchedulingEligibility }: NodeStub): boolean =>
  Status === 'ready' && SchedulingEligibility === 'eligible';

/** Where is room, who is leaving? */
export function NodesPage() {
  const nodes = useRead<readonly NodeStub[]>('/v1/nodes', { topics: ['Node'] });
  return (
    <Answer of={nodes} isPage>
      {(all) => (
        <>
          <h1 class="answer" aria-live="polite">
            {all.filter(isReady).length} of {many(all.length, 'node')} take work,{' '}
            {all.filter(({ Drain }) => Drain).length} drain, {all.filter(({ Status }) => Status !== 'ready').length} are
            away.
          </h1>
          <ActionsForAll of={all.filter(({ ID }) => chosen.value.has(ID))} />
          <Table heads={['Node', 'Status', 'Eligible', 'Datacenter', 'Pool', 'Class']} caption="Nodes">
            {all.slice(0, MOST_ROWS).map((one) => (
              <tr key={one.ID}>
                <td>
                  <Choose id={one.ID} called={visible(one.Name)} />{' '}
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
  const allocations = useRead<readonly Allocation[]>(`/v1/node/${encodeURIComponent(id)}/allocations`, {
    topics: ['Allocation'],
  });
  const running = (allocations.value ?? []).filter((one) => lookOf(one) !== 'gone').length;
  return (
    <Answer of={node} isPage>
      {(one) => (
        <>
          <h1 class="answer" aria-live="polite">
            {visible(one.Name)} is {one.Drain ? 'draining' : visible(one.Status)} and{' '}
            {one.SchedulingEligibility === 'eligible' ? 'takes work' : 'takes no new work'}.
          </h1>
          {!isPast.value && (
            <div class="row">
              {one.Drain ? (
                <button type="button" onClick={() => askToEndDrain([one])}>
                  End the drain…
                </button>
              ) : (
                <button type="button" onClick={() => askToDrain([one], running)}>
                  Drain…
                </button>
              )}
              <Eligibility of={[one]} isEligible={one.SchedulingEligibility !== 'eligible'} />
            </div>
          )}
          <h2>Allocations</h2>
          <Answer of={allocations} empty="Nothing was placed here.">
            {(all) => (
              <Table heads={ALLOCATION_HEADS} caption="Allocations">
                <AllocationRows allocations={all} />
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

function ActionsForAll({ of }: { readonly of: readonly NodeStub[] }) {
  const draining = of.filter(({ Drain }) => Drain);
  const staying = of.filter(({ Drain }) => !Drain);
  return (
    <Chosen count={of.length} noun="node">
      {staying.length > 0 && (
        <button type="button" onClick={() => askToDrain(staying)}>
          Drain {staying.length}…
        </button>
      )}
      {draining.length > 0 && (
        <button type="button" onClick={() => askToEndDrain(draining)}>
          End the drain of {draining.length}…
        </button>
      )}
      <Eligibility of={staying} isEligible={false} />
      <Eligibility of={staying} isEligible />
    </Chosen>
  );
}

const what = (all: readonly NodeStub[]): string =>
  all.length === 1 ? visible(all[0]!.Name) : many(all.length, 'node');
const typed = (all: readonly NodeStub[], verb: string): { readonly command?: string } =>
  all.length === 1 ? { command: `nomad node ${verb} ${all[0]!.ID}` } : {};
const stepOf = (one: NodeStub, sub: string, body: object): Step => ({
  name: one.Name,
  path: `/v1/node/${encodeURIComponent(one.ID)}/${sub}`,
  body: { NodeID: one.ID, ...body },
});

const DEADLINES = ['15m', '1h', '6h', 'no deadline', 'at once'] as const;
const HOUR_NS = 3_600_000_000_000;
/** Nomad: 0 waits for ever, negative stops everything at once. */
const DEADLINE_NS = new Map<unknown, number>([
  ['15m', HOUR_NS / 4],
  ['1h', HOUR_NS],
  ['6h', 6 * HOUR_NS],
  ['no deadline', 0],
  ['at once', -1],
]);

const askToDrain = (all: readonly NodeStub[], running?: number): void =>
  ask({
    title: `Drain ${what(all)}?`,
    effect: `${running === undefined ? 'Its allocations' : many(running, 'allocation')} move to other nodes as each job's migrate block allows; what is left at the deadline is stopped. It takes no new work.`,
    verb: 'Drain',
    fields: [
      { kind: 'choice', name: 'deadline', label: 'Deadline', initial: '1h', among: DEADLINES },
      { kind: 'check', name: 'system', label: 'Leave system jobs running', initial: false },
    ],
    steps: (values) =>
      all.map((one) =>
        stepOf(one, 'drain', {
          DrainSpec: {
            Deadline: DEADLINE_NS.get(values.get('deadline')) ?? HOUR_NS,
            IgnoreSystemJobs: values.get('system') === true,
          },
        }),
      ),
    about: all.map(({ ID }) => ID),
    ...typed(all, 'drain -enable -deadline 1h'),
  });

const askToEndDrain = (all: readonly NodeStub[]): void =>
  ask({
    title: `End the drain of ${what(all)}?`,
    effect: 'What has not moved stays.',
    verb: 'End the drain',
    fields: [{ kind: 'check', name: 'eligible', label: 'It takes work again', initial: true }],
    steps: (values) =>
      all.map((one) => stepOf(one, 'drain', { DrainSpec: null, MarkEligible: values.get('eligible') === true })),
    about: all.map(({ ID }) => ID),
    ...typed(all, 'drain -disable'),
  });

/** Whether new work is placed on nodes; `isEligible`: what they are to be. */
function Eligibility({ of, isEligible }: { readonly of: readonly NodeStub[]; readonly isEligible: boolean }) {
  const other = of.filter(({ SchedulingEligibility }) => (SchedulingEligibility === 'eligible') !== isEligible);
  if (other.length === 0 || other.some(({ Drain }) => Drain)) return null;
  return (
    <button
      type="button"
      onClick={() =>
        ask({
          title: `${isEligible ? 'Let' : 'Keep new work from'} ${what(other)}${isEligible ? ' take work' : ''}?`,
          effect: isEligible
            ? 'New allocations may be placed there; what waits for room may find it.'
            : 'Nothing new is placed there. What runs goes on.',
          verb: isEligible ? 'Take work' : 'Take no new work',
          steps: other.map((one) =>
            stepOf(one, 'eligibility', { Eligibility: isEligible ? 'eligible' : 'ineligible' }),
          ),
          about: other.map(({ ID }) => ID),
          ...typed(other, `eligibility ${isEligible ? '-enable' : '-disable'}`),
        })
      }
    >
      {isEligible ? 'Take work…' : 'Take no new work…'}
    </button>
  );
}
