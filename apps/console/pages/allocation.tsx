import { useEffect, useState } from 'preact/hooks';
import { jobAddress, objectAddress } from '../address/address.ts';
import { History } from '../parts/history.tsx';
import { Ago, Answer, Table } from '../parts/parts.tsx';
import { lookOf, StatusOf, type Allocation } from '../parts/slots.tsx';
import { visible } from '../parts/words.ts';
import { readText } from '../store/api.ts';
import { useRead } from '../store/use-read.ts';

interface TaskState {
  readonly State: string;
  readonly Failed: boolean;
  readonly Restarts: number;
  readonly Events: readonly { readonly Type: string; readonly Time: number; readonly DisplayMessage: string }[] | null;
}
interface Whole extends Omit<Allocation, 'JobVersion'> {
  readonly Job: { readonly Version: number };
  readonly TaskStates: Readonly<Record<string, TaskState>> | null;
}

/** What became of it, minute by minute? */
export function AllocationPage({ id }: { readonly id: string }) {
  const allocation = useRead<Whole>(`/v1/allocation/${encodeURIComponent(id)}`, { keys: [id] });
  return (
    <Answer of={allocation}>
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
              <Logs id={id} task={task} isLive={lookOf(one) !== 'gone'} />
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

const SHOWN_BYTES = 20_000;
const AGAIN_MS = 2000;

/** The end of what a task has written; read again while it runs. */
function Logs({ id, task, isLive }: { readonly id: string; readonly task: string; readonly isLive: boolean }) {
  const [kind, setKind] = useState<'stdout' | 'stderr'>('stdout');
  const [text, setText] = useState('Reading…');
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = (): void => {
      readText(
        `/v1/client/fs/logs/${encodeURIComponent(id)}?task=${encodeURIComponent(task)}&type=${kind}&plain=true&origin=end&offset=${SHOWN_BYTES}`,
      )
        .then(
          (log) => !isOver && setText(log === '' ? `It has written nothing to ${kind}.` : log),
          (error: Error) => !isOver && setText(`No logs: ${error.message}`),
        )
        .finally(() => {
          if (isLive && !isOver) timer = setTimeout(load, AGAIN_MS);
        });
    };
    load();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [id, task, kind, isLive]);
  return (
    <>
      <div class="row">
        <h3>Logs</h3>
        {(['stdout', 'stderr'] as const).map((name) => (
          <button key={name} type="button" aria-pressed={name === kind} onClick={() => setKind(name)}>
            {name}
          </button>
        ))}
      </div>
      <pre class="log" tabIndex={0} aria-label={`Log of ${visible(task)}`}>
        {text
          .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
          .split('\n')
          .map((line) => visible(line.replaceAll('\t', '  ').replace(/\r$/, '')))
          .join('\n')}
      </pre>
    </>
  );
}
