import { Answer } from '../parts/answer.tsx';
import { Table } from '../parts/parts.tsx';
import { visible } from '../parts/words.ts';
import { useRead } from '../store/use-read.ts';

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
