import { startServerProcess, type ServerProcess } from '../support/server-process.js';

/* Ephemeral disks of own agents: what moves with `sticky` and `migrate`, and what is said where nothing does. */

interface Alloc {
  readonly ID: string;
  readonly NodeID: string;
  readonly ClientStatus: string;
  readonly CreateIndex: number;
  readonly TaskStates: Record<string, { readonly Events: readonly { readonly DisplayMessage: string }[] }> | null;
}

let server: ServerProcess;
const BOUND_MS = 90_000;

beforeAll(async () => {
  server = await startServerProcess({ env: { ROLLBOOK_DEV_NODES: '2' } });
}, BOUND_MS);
afterAll(() => server?.stop(), BOUND_MS);

/** Notes each start, in the shared directory and in its own. Ends half a second after it is asked to. */
const SCRIPT = `
echo start >> "$NOMAD_ALLOC_DIR/data/starts"
echo start >> "$NOMAD_TASK_DIR/starts"
trap 'sleep 0.5; echo last words >> "$NOMAD_ALLOC_DIR/data/starts"; exit 0' INT TERM
while :; do sleep 0.1; done`;

async function register(id: string, disk: object, version: string): Promise<void> {
  const task = {
    Name: 'main',
    Driver: 'raw_exec',
    Config: { command: '/bin/sh', args: ['-c', SCRIPT] },
    Env: { version },
    LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
    Resources: { CPU: 20, MemoryMB: 16 },
  };
  const group = { Name: 'db', Count: 1, EphemeralDisk: disk, Tasks: [task], Update: { MinHealthyTime: 1e8 } };
  const Job = { ID: id, Name: id, Type: 'service', Datacenters: ['*'], TaskGroups: [group] };
  const answer = await fetch(`${server.url}/v1/jobs`, { method: 'PUT', body: JSON.stringify({ Job }) });
  expect({ status: answer.status, text: await answer.text() }).toMatchObject({ status: 200 });
}

const text = async (path: string): Promise<string> => (await fetch(`${server.url}/v1/${path}`)).text();
const allocs = async (id: string): Promise<Alloc[]> => JSON.parse(await text(`job/${id}/allocations`)) as Alloc[];

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 40_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The allocation of a job that runs beside none that came before it. */
const running = (id: string, after?: Alloc): Promise<Alloc> =>
  until(`${id} to run`, async () => {
    const [newest, ...older] = (await allocs(id)).toSorted((a, b) => b.CreateIndex - a.CreateIndex);
    return (
      newest?.ClientStatus === 'running' &&
      newest.ID !== after?.ID &&
      older.every(({ ClientStatus }) => ClientStatus !== 'running') &&
      newest
    );
  });

const fileOf = (alloc: Alloc, path: string): Promise<string> => text(`client/fs/cat/${alloc.ID}?path=${path}`);
const written = (alloc: Alloc, path: string, wanted: string): Promise<unknown> =>
  until(`${path} to be ${JSON.stringify(wanted)}`, async () => (await fileOf(alloc, path)) === wanted);

async function drained<T>(node: string, work: () => Promise<T>): Promise<T> {
  const drain = (DrainSpec: object | null): Promise<Response> =>
    fetch(`${server.url}/v1/node/${node}/drain`, {
      method: 'PUT',
      body: JSON.stringify({ DrainSpec, MarkEligible: true }),
    });
  await drain({ Deadline: 60e9 });
  try {
    return await work();
  } finally {
    await drain(null);
  }
}

it(
  'a disk that is sticky and migrates follows its job: to a new version on the same node, and to another node',
  async () => {
    await register('db', { Sticky: true, Migrate: true, SizeMB: 10 }, '1');
    const first = await running('db');
    await written(first, 'alloc/data/starts', 'start\n');
    await register('db', { Sticky: true, Migrate: true, SizeMB: 10 }, '2');
    const second = await running('db', first);
    expect(second.NodeID).toBe(first.NodeID);
    // What the first one wrote last is there, too: nothing moved before it had ended.
    await written(second, 'alloc/data/starts', 'start\nlast words\nstart\n');
    await written(second, 'main/local/starts', 'start\nstart\n');
    const third = await drained(first.NodeID, () => running('db', second));
    expect(third.NodeID).not.toBe(second.NodeID);
    await written(third, 'alloc/data/starts', 'start\nlast words\nstart\nlast words\nstart\n');
    await written(third, 'main/local/starts', 'start\nstart\nstart\n');
  },
  BOUND_MS,
);

it(
  'a disk that does not migrate stays behind, and an event says so',
  async () => {
    await register('cache', { Sticky: true, SizeMB: 10 }, '1');
    const first = await running('cache');
    await written(first, 'alloc/data/starts', 'start\n');
    const second = await drained(first.NodeID, () => running('cache', first));
    await written(second, 'alloc/data/starts', 'start\n');
    expect(second.TaskStates?.['main']?.Events.map(({ DisplayMessage }) => DisplayMessage)).toContain(
      'Ephemeral disk starts empty: the previous allocation was on another node, and the disk does not migrate',
    );
  },
  BOUND_MS,
);

it('hands a disk to nobody but the node of the allocation that continues it', async () => {
  const [alloc] = await allocs('db');
  const url = `${server.url}/agent/v1/node/${alloc!.NodeID}/allocations/${alloc!.ID}/previous-disk`;
  const answer = await fetch(url, { headers: { authorization: 'Bearer somebody' } });
  expect([answer.status, await answer.text()]).toEqual([403, 'Permission denied']);
});
