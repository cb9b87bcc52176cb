import type { RecordingClient } from './run.js';

/** What is asked about. */
export const JOB = 'the-job-of-this-run';
export const NODE = '0c0ffee0-0000-4000-8000-000000000001';

/** Secrets that a read is there to tell to who asks. */
export function dueIn(url: string, isManagement: boolean): readonly string[] {
  if (url === '/v1/acl/token/:id' || url === '/v1/acl/token/self')
    return ['bootstrap token', 'client token', 'token of a login', 'secret of a node'];
  if (url.startsWith('/v1/var')) return isManagement ? ['item', 'lock'] : ['item'];
  return [];
}

export async function lastIndex(client: RecordingClient, token: string): Promise<number> {
  const { text } = await client.ask('GET', '/metrics', { token });
  const [, index] = /^rollbook_log_index (\d+)/m.exec(text) ?? [];
  if (index === undefined) throw new Error('the metrics do not tell the head of the log');
  return Number(index);
}

/** The paths to ask for a route: with the objects that there are. */
export async function samplesOf(client: RecordingClient, token: string): Promise<(url: string) => string[]> {
  const ids = async (path: string): Promise<string[]> =>
    (await client.must<{ ID: string }[]>('GET', path, { token })).map(({ ID }) => ID);
  const [deployments, allocations, evaluations] = [
    await ids('/v1/deployments'),
    await ids('/v1/allocations'),
    await ids('/v1/evaluations'),
  ];
  const tokens = (await client.must<{ AccessorID: string }[]>('GET', '/v1/acl/tokens', { token })).map(
    ({ AccessorID }) => AccessorID,
  );
  const rules = await ids('/v1/acl/binding-rules');
  const of = (url: string): readonly string[] => {
    if (url.startsWith('/v1/job/')) return [JOB];
    if (/\/deployment/.test(url)) return deployments;
    if (url.startsWith('/v1/evaluation/')) return evaluations.slice(0, 2);
    if (url.startsWith('/v1/node/') || url.startsWith('/agent/')) return [NODE];
    if (/\/(allocation|client)\//.test(url)) return allocations.slice(0, 1);
    if (url.startsWith('/v1/var/')) return [encodeURIComponent(`nomad/jobs/${JOB}`), 'locked'];
    if (url.startsWith('/v1/acl/token/')) return tokens;
    if (url.startsWith('/v1/acl/binding-rule/')) return rules;
    return ['list', 'none'];
  };
  return (url) =>
    of(url)
      .flatMap((id) =>
        ['jwt', 'oidc', 'all', 'default'].map((name) =>
          url
            .replace(':id', id)
            .replace(':name', name)
            .replace(':type', 'job')
            .replace(':word', 'versions')
            .replace(':kind', 'ls')
            .replace(/\*$/, 'x'),
        ),
      )
      .filter((one, n, all) => all.indexOf(one) === n)
      .map((one) => `${one}${one.includes('?') ? '&' : '?'}namespace=${/\/(job|var)\//.test(one) ? 'default' : '*'}`);
}
