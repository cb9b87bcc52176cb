import { startServerProcess, type ServerProcess } from '../support/server-process.js';
import { compatibilityRows, type Row } from './compatibility.js';

const LANES = 8;
const BOUND_MS = 240_000;

interface Metric {
  readonly ConstraintFiltered: Record<string, number> | null;
}
interface Evaluation {
  readonly Status: string;
  readonly FailedTGAllocs?: Record<string, Metric>;
}

/** Every row of docs/compatibility.md, registered with a server that has one node of ours. */
describe('what is told of each field of a job is what happens to it', () => {
  const rows = compatibilityRows();
  const found = new Map<Row, unknown>();
  let server: ServerProcess | undefined;

  async function answer(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    const response = await fetch(`${server?.url}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  }

  /** Why the job is not placed, once its evaluation is over. */
  async function reasons(evaluation: string): Promise<string[]> {
    const bound = Date.now() + 30_000;
    for (let index = 1; Date.now() < bound; index++) {
      const { text } = await answer('GET', `/v1/evaluation/${evaluation}?index=${index}&wait=1s`);
      const { Status, FailedTGAllocs } = JSON.parse(text) as Evaluation;
      if (Status !== 'pending')
        return Object.values(FailedTGAllocs ?? {}).flatMap((metric) => Object.keys(metric.ConstraintFiltered ?? {}));
    }
    throw new Error('the evaluation does not end');
  }

  async function register({ job, outcome }: Row, id: string): Promise<unknown> {
    const waits = outcome.waits !== undefined;
    // What is not about placement need not run.
    const placed = waits || outcome.refused !== undefined ? job : { ...job, Datacenters: ['nowhere'] };
    const { status, text } = await answer('PUT', '/v1/jobs', { Job: { ...placed, ID: id } });
    if (status !== 200) return { refused: text.replaceAll(id, 'row') };
    const { EvalID } = JSON.parse(text) as { EvalID: string };
    const seen = waits ? await reasons(EvalID) : [];
    await answer('DELETE', `/v1/job/${id}?purge=true`);
    return { waits: seen };
  }

  beforeAll(async () => {
    server = await startServerProcess();
    const queue = [...rows.entries()];
    const lane = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [position, row] = next;
        found.set(row, await register(row, `row-${position}`));
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }, BOUND_MS);
  afterAll(() => server?.stop());

  test.each(rows.map((row) => [row.block, row.field, row] as const))('%s: %s', (_block, _field, row) => {
    const { refused, waits = [] } = row.outcome;
    if (refused === undefined) expect(found.get(row)).toEqual({ waits });
    else expect(found.get(row)).toEqual({ refused: expect.stringContaining(refused) });
  });
});
