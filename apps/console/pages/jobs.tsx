import { many } from '@app/story';
import { useState } from 'preact/hooks';
import { jobAddress } from '../address/address.ts';
import { ask } from '../parts/act.tsx';
import { Choose, chosen, Chosen } from '../parts/choice.tsx';
import { Answer } from '../parts/answer.tsx';
import { Ago, Table } from '../parts/parts.tsx';
import { visible } from '../parts/words.ts';
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

const MOST_ROWS = 500;
const keyOf = ({ ID, Namespace }: JobStub): string => `${Namespace} ${ID}`;

export function JobsPage() {
  const [filter, setFilter] = useState('');
  const jobs = useRead<readonly JobStub[]>('/v1/jobs?namespace=*', { topics: ['Job'] });
  return (
    <Answer of={jobs} isPage>
      {(all) => {
        const found = all.filter(({ ID, Namespace }) =>
          `${ID}@${Namespace}`.toLowerCase().includes(filter.toLowerCase()),
        );
        const picked = all.filter((one) => chosen.value.has(keyOf(one)));
        return (
          <>
            <h1 class="answer">{all.length === 0 ? 'No job is registered.' : `${many(all.length, 'job')}.`}</h1>
            <label class="filter">
              Filter <input id="filter" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
            </label>
            <Chosen count={picked.length} noun="job">
              <button type="button" onClick={() => askToStop(picked)}>
                Stop {picked.length}…
              </button>
            </Chosen>
            <Table heads={['Job', 'Type', 'Status', 'Version', 'Registered']} caption="Jobs">
              {found.slice(0, MOST_ROWS).map((one) => (
                <tr key={keyOf(one)}>
                  <td>
                    <Choose id={keyOf(one)} called={visible(one.ID)} />{' '}
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

const askToStop = (all: readonly JobStub[]): void =>
  ask({
    title: `Stop ${many(all.length, 'job')}?`,
    effect: 'Every allocation of them is stopped. Their versions stay, and any of them can be brought back.',
    verb: 'Stop',
    steps: all.map((one) => ({
      name: `${one.ID}@${one.Namespace}`,
      method: 'DELETE',
      path: `/v1/job/${encodeURIComponent(one.ID)}?namespace=${encodeURIComponent(one.Namespace)}`,
    })),
    about: all.map(({ ID }) => ID),
  });
