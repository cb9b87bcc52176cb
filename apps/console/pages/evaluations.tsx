import { many } from '@app/story';
import { jobAddress, objectAddress } from '../address/address.ts';
import { History, Json } from '../parts/history.tsx';
import { Answer } from '../parts/answer.tsx';
import { Ago, Table } from '../parts/parts.tsx';
import { short, visible } from '../parts/words.ts';
import { WhyNot } from '../parts/why-not.tsx';
import { isPast } from '../store/go.ts';
import { useRead } from '../store/use-read.ts';

export interface Evaluation {
  readonly ID: string;
  readonly Namespace: string;
  readonly JobID: string;
  readonly Status: string;
  readonly StatusDescription: string;
  readonly TriggeredBy: string;
  readonly PreviousEval: string;
  readonly NextEval: string;
  readonly BlockedEval: string;
  readonly DeploymentID: string;
  readonly CreateTime: number;
  readonly ModifyTime: number;
}
const PAGE = 100;

/** What is still to be placed, and what was decided last? */
export function EvaluationsPage() {
  const all = useRead<readonly Evaluation[]>(`/v1/evaluations?namespace=*&reverse=true&per_page=${PAGE}`, {
    topics: ['Evaluation'],
  });
  return (
    <Answer of={all} isPage>
      {(some) => {
        const blocked = some.filter(({ Status }) => Status === 'blocked');
        const others = some.filter(({ Status }) => Status !== 'blocked');
        return (
          <>
            <h1 class="answer" aria-live="polite">
              {blocked.length === 0
                ? 'Nothing waits for room.'
                : `${many(blocked.length, 'evaluation')} ${blocked.length === 1 ? 'waits' : 'wait'} for room.`}
            </h1>
            {blocked.length > 0 && <Evaluations of={blocked} caption="Evaluations that wait" />}
            <h2>Newest</h2>
            <Evaluations of={others} caption="Newest evaluations" />
            {some.length === PAGE && <p class="muted">The newest {PAGE}; older ones stand with their jobs.</p>}
          </>
        );
      }}
    </Answer>
  );
}

export const Evaluations = ({ of, caption }: { readonly of: readonly Evaluation[]; readonly caption: string }) => (
  <Table heads={['Evaluation', 'Job', 'Status', 'Because of', 'What it says', 'When']} caption={caption}>
    {of.map((one) => (
      <tr key={one.ID}>
        <td>
          <a href={objectAddress('evaluations', one.ID)}>{short(one.ID)}</a>
        </td>
        <td>
          <a href={jobAddress(one.JobID, one.Namespace)}>
            {visible(one.JobID)}@{visible(one.Namespace)}
          </a>
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
);

/** Why was it decided, and what came of it? */
export function EvaluationPage({ id }: { readonly id: string }) {
  const evaluation = useRead<Evaluation>(`/v1/evaluation/${encodeURIComponent(id)}`, { keys: [id] });
  return (
    <Answer of={evaluation} isPage>
      {(one) => (
        <>
          <p class="crumb">
            Evaluation <code>{short(id)}</code> of{' '}
            <a href={jobAddress(one.JobID, one.Namespace)}>
              {visible(one.JobID)}@{visible(one.Namespace)}
            </a>
            , because of {visible(one.TriggeredBy)}, <Ago at={one.CreateTime} />
          </p>
          <h1 class="answer" aria-live="polite">
            {one.Status === 'blocked' ? 'It waits for room.' : `It is ${visible(one.Status)}.`}
          </h1>
          {one.StatusDescription !== '' && <p>{visible(one.StatusDescription)}</p>}
          <ol class="chain" aria-label="Cause and effect">
            <Linked label="follows" kind="evaluations" id={one.PreviousEval} />
            <Linked label="for deployment" kind="deployments" id={one.DeploymentID} />
            <Linked label="what did not fit waits in" kind="evaluations" id={one.BlockedEval} />
            <Linked label="followed by" kind="evaluations" id={one.NextEval} />
          </ol>
          {one.Status === 'blocked' && !isPast.value && (
            <WhyNot query={`eval=${encodeURIComponent(id)}&namespace=${encodeURIComponent(one.Namespace)}`} />
          )}
          <h2>History</h2>
          <History kind="evaluation" id={id} namespace={one.Namespace} />
          <details>
            <summary>As JSON</summary>
            <Json of={one} />
          </details>
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
  readonly kind: 'deployments' | 'evaluations';
  readonly id: string;
}) {
  if (!id) return null;
  return (
    <li>
      {label} <a href={objectAddress(kind, id)}>{short(id)}</a>
    </li>
  );
}
