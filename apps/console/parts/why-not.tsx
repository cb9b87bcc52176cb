import { many } from '@app/story';
import { objectAddress } from '../address/address.ts';
import { useRead } from '../store/use-read.ts';
import { Answer } from './answer.tsx';
import { Table } from './parts.tsx';
import { visible } from './words.ts';

interface Room {
  readonly CPU: number;
  readonly MemoryMB: number;
  readonly DiskMB: number;
  readonly Cores: number;
}
interface Verdict {
  readonly NodeID: string;
  readonly NodeName: string;
  readonly Reasons: readonly string[];
  readonly Free: Room;
  readonly Lacks: Room;
  readonly Fits: number;
}
interface Group {
  readonly Group: string;
  readonly Count: number;
  readonly Asks: Room;
  readonly Reasons: readonly { readonly Reason: string; readonly Nodes: number }[];
  readonly NodesFitting: number;
  readonly WouldFit: Room | null;
  /** null: the token may not read nodes. */
  readonly Nodes: readonly Verdict[] | null;
}
export interface Explanation {
  readonly NodesTotal: number;
  readonly NodesJudged: number;
  readonly Groups: readonly Group[];
}

const UNITS: readonly (readonly [keyof Room, string, (amount: number) => string])[] = [
  ['CPU', 'CPU', (amount) => `${amount.toLocaleString('en')} MHz`],
  ['MemoryMB', 'memory', (amount) => `${amount.toLocaleString('en')} MB`],
  ['DiskMB', 'disk', (amount) => `${amount.toLocaleString('en')} MB`],
  ['Cores', 'cores', String],
];
const inUnits = (room: Room, isShown: (amount: number) => boolean): string =>
  UNITS.filter(([name]) => isShown(room[name]))
    .map(([name, called, text]) => `${called} ${text(room[name])}`)
    .join(', ');

/** Nodes that say the same stand in one row. */
const alike = (all: readonly Verdict[]): readonly (readonly Verdict[])[] =>
  [...Map.groupBy(all, ({ Reasons, Fits }) => JSON.stringify([Reasons, Fits > 0])).values()].sort(
    (a, b) => a[0]!.Reasons.length - b[0]!.Reasons.length,
  );

const MOST_ROWS = 100;
const NAMED = 6;

/** Why one more allocation of each group is, or is not, placed: every node and every rule that it fails. */
export function WhyNot({ query }: { readonly query: string }) {
  const why = useRead<Explanation>(`/v1/operator/rollbook/why?${query}`, {
    topics: ['Node', 'Evaluation'],
    every: 1000,
  });
  return (
    <Answer of={why}>
      {({ NodesTotal, NodesJudged, Groups }) => (
        <>
          {Groups.map((group) => (
            <section key={group.Group} aria-label={`Why ${visible(group.Group)} is placed or not`}>
              <h2>{sayOf(group, NodesJudged)}</h2>
              <p class="muted">
                One more asks for {inUnits(group.Asks, (amount) => amount > 0)}.
                {group.WouldFit !== null && group.NodesFitting === 0 && (
                  <> One of at most {inUnits(group.WouldFit, () => true)} would fit.</>
                )}
              </p>
              {group.Nodes === null ? (
                <p class="muted">Your token may not read nodes, so none is named.</p>
              ) : (
                <Verdicts of={group} />
              )}
            </section>
          ))}
          {NodesJudged < NodesTotal && (
            <p class="muted">
              {NodesJudged} of {NodesTotal} nodes were looked at.
            </p>
          )}
        </>
      )}
    </Answer>
  );
}

const sayOf = ({ Group: name, NodesFitting, Reasons }: Group, nodes: number): string =>
  NodesFitting > 0
    ? `${many(NodesFitting, 'node')} would take one more of ${visible(name)}.`
    : `No node takes one more of ${visible(name)}: ${Reasons.map((one) => `${visible(one.Reason)} on ${one.Nodes} of ${nodes}`).join(', ')}.`;

function Verdicts({ of }: { readonly of: Group }) {
  const reasons = of.Reasons.map(({ Reason }) => Reason);
  return (
    <Table heads={['Nodes', 'Free', ...reasons.map(visible)]} caption={`Nodes for ${visible(of.Group)}`}>
      {alike(of.Nodes ?? [])
        .slice(0, MOST_ROWS)
        .map((nodes) => (
          <tr key={nodes[0]!.NodeID}>
            <th scope="row">
              {nodes.slice(0, NAMED).map((one) => (
                <a key={one.NodeID} class="spaced" href={objectAddress('clients', one.NodeID)}>
                  {visible(one.NodeName)}
                </a>
              ))}
              {nodes.length > NAMED && `and ${nodes.length - NAMED} more`}
            </th>
            <td class="muted">{inUnits(nodes[0]!.Free, () => true)}</td>
            {reasons.map((reason) => (
              <td key={reason}>
                {nodes[0]!.Reasons.includes(reason) ? (
                  <>
                    ✕ <span class="muted">{lackSaid(nodes[0]!.Lacks, reason)}</span>
                  </>
                ) : (
                  '✔'
                )}
              </td>
            ))}
          </tr>
        ))}
    </Table>
  );
}

const RESOURCES: ReadonlyMap<string, keyof Room> = new Map([
  ['cpu', 'CPU'],
  ['memory', 'MemoryMB'],
  ['disk', 'DiskMB'],
  ['cores', 'Cores'],
]);

/** How much is missing, where a rule is about that. */
function lackSaid(lacks: Room, reason: string): string {
  const unit = UNITS.find(([name]) => name === RESOURCES.get(reason));
  return unit === undefined || lacks[unit[0]] <= 0 ? '' : `lacks ${unit[2](lacks[unit[0]])}`;
}
