import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { WebSocket } from 'ws';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';

let server: ServerProcess;
let alloc: string;
const BOUND_MS = 60_000;

const SCRIPT = `
echo first line; echo to stderr >&2
trap 'echo got hup' HUP
trap 'exit 0' INT TERM
while :; do sleep 0.1; done`;

beforeAll(async () => {
  server = await startServerProcess();
  const task = {
    Name: 'main',
    Driver: 'raw_exec',
    Config: { command: '/bin/sh', args: ['-c', SCRIPT] },
    Resources: { CPU: 20, MemoryMB: 16 },
  };
  const group = { Name: 'web', Count: 1, Tasks: [task] };
  await fetch(`${server.url}/v1/jobs`, {
    method: 'PUT',
    body: JSON.stringify({
      Job: { ID: 'probe', Name: 'probe', Type: 'service', Datacenters: ['*'], TaskGroups: [group] },
    }),
  });
  alloc = await until('the task to run', async () => {
    const [one] = (await (await fetch(`${server.url}/v1/job/probe/allocations`)).json()) as {
      ID: string;
      ClientStatus: string;
    }[];
    return one?.ClientStatus === 'running' && one.ID;
  });
  await until('its log', async () => (await get(`fs/logs/${alloc}?task=main&type=stdout&plain=true`)).text !== '');
}, BOUND_MS);
afterAll(() => server?.stop(), BOUND_MS);

const get = async (
  path: string,
  init?: RequestInit,
): Promise<{ status: number; text: string; type: string | null }> => {
  const answer = await fetch(`${server.url}/v1/client/${path}`, init);
  return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') };
};

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it('shows the log of a task, plain and framed, and from an offset', async () => {
  expect(await get(`fs/logs/${alloc}?task=main&type=stdout&plain=true`)).toEqual({
    status: 200,
    text: 'first line\n',
    type: 'text/plain',
  });
  expect((await get(`fs/logs/${alloc}?task=main&type=stderr&plain=true`)).text).toBe('to stderr\n');
  expect((await get(`fs/logs/${alloc}?task=main&type=stdout&plain=true&origin=end&offset=5`)).text).toBe('line\n');
  const framed = await get(`fs/logs/${alloc}?task=main&type=stdout`);
  expect(JSON.parse(framed.text)).toEqual({
    Data: Buffer.from('first line\n').toString('base64'),
    File: 'alloc/logs/main.stdout.0',
    Offset: 11,
  });
});

it('follows the log of a node, which tells what happens there', async () => {
  const [node] = (await (await fetch(`${server.url}/v1/nodes`)).json()) as { ID: string }[];
  const control = new AbortController();
  const answer = await fetch(`${server.url}/v1/agent/monitor?log_level=debug&node_id=${node!.ID}`, {
    signal: control.signal,
  });
  const reader = answer.body!.getReader();
  let text = '';
  // A node that registers anew says so.
  await fetch(`${server.url}/v1/client/metadata?node_id=${node!.ID}`, {
    method: 'POST',
    body: JSON.stringify({ NodeID: node!.ID, Meta: { watched: 'yes' } }),
  });
  const lines = (): string =>
    [...text.matchAll(/"Data":"([^"]*)"/g)].map(([, data]) => Buffer.from(data!, 'base64').toString()).join('');
  while (!lines().includes('node registered')) text += Buffer.from((await reader.read()).value).toString();
  expect(lines()).toMatch(/^\S+Z \[INFO\] {2}node registered: .*ttlMs=\d+/m);
  control.abort();
});

it('follows a log while the task writes, and what a signal makes it say', async () => {
  const control = new AbortController();
  const answer = await fetch(`${server.url}/v1/client/fs/logs/${alloc}?task=main&type=stdout&plain=true&follow=true`, {
    signal: control.signal,
  });
  const reader = answer.body!.getReader();
  let text = '';
  const read = (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += Buffer.from(value).toString();
    }
  })().catch(() => undefined);
  await until('the first line', () => Promise.resolve(text.includes('first line')));
  expect(await get(`allocation/${alloc}/signal`, { method: 'PUT', body: '{"Signal":"SIGHUP"}' })).toMatchObject({
    status: 200,
    text: '{"Index":0}',
  });
  await until('what the task said', () => Promise.resolve(text.includes('got hup')));
  control.abort();
  await read;
});

it('lists, tells of and reads files, and nothing outside of the allocation', async () => {
  const names = (JSON.parse((await get(`fs/ls/${alloc}?path=/`)).text) as { Name: string }[])
    .map(({ Name }) => Name)
    .sort();
  expect(names).toEqual(['alloc', 'main']);
  expect(JSON.parse((await get(`fs/stat/${alloc}?path=alloc/logs/main.stdout.0`)).text)).toMatchObject({
    Name: 'main.stdout.0',
    IsDir: false,
  });
  expect((await get(`fs/cat/${alloc}?path=alloc/logs/main.stdout.0`)).text).toContain('first line\n');
  expect((await get(`fs/readat/${alloc}?path=alloc/logs/main.stdout.0&offset=6&limit=4`)).text).toBe('line');
  for (const path of ['../..', '../../x', '/../../../etc/passwd'])
    expect(await get(`fs/ls/${alloc}?path=${encodeURIComponent(path)}`)).toMatchObject({
      status: 500,
      text: 'Path escapes the alloc directory',
    });
  expect((await get(`fs/ls/${alloc}?path=nope`)).status).toBe(404);
});

it('a link that leads out of the allocation leads nowhere', async () => {
  await exec(['/bin/ln', '-s', '/etc', 'local/out']);
  expect(await get(`fs/ls/${alloc}?path=main/local/out`)).toMatchObject({
    status: 500,
    text: 'Path escapes the alloc directory',
  });
  expect((await get(`fs/cat/${alloc}?path=main/local/out/passwd`)).text).toBe('Path escapes the alloc directory');
});

it('measures a task and its node', async () => {
  const stats = JSON.parse((await get(`allocation/${alloc}/stats`)).text) as {
    Tasks: Record<string, unknown>;
    ResourceUsage: { MemoryStats: { RSS: number } };
  };
  expect(Object.keys(stats.Tasks)).toEqual(['main']);
  expect(stats.ResourceUsage.MemoryStats.RSS).toBeGreaterThan(0);
  const [node] = (await (await fetch(`${server.url}/v1/nodes`)).json()) as { ID: string }[];
  expect(JSON.parse((await get(`stats?node_id=${node!.ID}`)).text)).toMatchObject({
    Memory: { Total: expect.any(Number) as number },
  });
});

interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: unknown;
  readonly code: number;
  readonly reason: string;
}

/** Runs a command in the task over the websocket; `talk` says something to it first. */
function exec(command: readonly string[], talk?: (socket: WebSocket) => void, query = ''): Promise<Said> {
  const url = `${server.url.replace('http', 'ws')}/v1/client/allocation/${alloc}/exec?task=main&command=${encodeURIComponent(JSON.stringify(command))}${query}`;
  const socket = new WebSocket(url);
  const said = { stdout: '', stderr: '', exit: undefined as unknown };
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      talk?.(socket);
      socket.send('{"stdin":{"close":true}}');
    });
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Record<'stdout' | 'stderr', { data?: string }> & {
        exited?: boolean;
      };
      for (const name of ['stdout', 'stderr'] as const)
        said[name] += Buffer.from(message[name]?.data ?? '', 'base64').toString();
      if (message.exited) said.exit = message;
    });
    socket.on('close', (code, reason) => resolve({ ...said, code, reason: reason.toString() }));
    socket.on('error', reject);
  });
}

it('runs a command beside the task, with its outputs, its input and its exit code', async () => {
  expect(await exec(['/bin/sh', '-c', 'echo out; echo err >&2; exit 7'])).toMatchObject({
    stdout: 'out\n',
    stderr: 'err\n',
    exit: { exited: true, result: { exit_code: 7 } },
    code: 1006,
  });
  const talked = await exec(['/bin/cat'], (socket) =>
    socket.send(JSON.stringify({ stdin: { data: Buffer.from('ä\n').toString('base64') } })),
  );
  expect(talked).toMatchObject({ stdout: 'ä\n', exit: { exited: true, result: {} } });
});

it('gives a terminal of the size that was asked for', async () => {
  const said = await exec(
    ['/bin/sh', '-c', 'read line; stty size'],
    (socket) => {
      socket.send('{"tty_size":{"height":30,"width":100}}');
      socket.send(JSON.stringify({ stdin: { data: Buffer.from('\n').toString('base64') } }));
    },
    '&tty=true',
  );
  expect(said.stdout).toContain('30 100');
});

it.each([
  ['an unknown program', ['/no/such'], 1011, 'failed to start command: fork/exec /no/such: no such file or directory'],
  ['an empty command', [], 1008, 'command is not present'],
] as const)('refuses %s', async (_, command, code, reason) => {
  const said = await exec(command);
  expect(said.code).toBe(code);
  expect(said.reason).toContain(reason);
});

it('refuses a page of another origin', async () => {
  const socket = new WebSocket(
    `${server.url.replace('http', 'ws')}/v1/client/allocation/${alloc}/exec?task=main&command=%5B%22id%22%5D`,
    { origin: 'http://evil.example' },
  );
  await expect(new Promise((_, reject) => socket.on('error', reject))).rejects.toThrow('403');
});

it('tells what is not there', async () => {
  const unknown = randomUUID();
  expect(await get(`fs/logs/${unknown}?task=main&type=stdout`)).toMatchObject({
    status: 404,
    text: `Unknown allocation "${unknown}"`,
  });
  expect(await get(`fs/logs/${alloc}?task=nope&type=stdout`)).toMatchObject({
    status: 400,
    text: 'unknown task name "nope"',
  });
  expect(await get(`allocation/${alloc}/nope`)).toMatchObject({ status: 404, text: 'resource not found' });
  expect(await get(`allocation/${alloc}/gc`)).toMatchObject({ status: 500 });
});

it(
  'a server that comes back is called again by the agent',
  async () => {
    // The dev node lives in the server: what is tried is that a session that ends is dialled again, here by a restart of all.
    const { dataDir, port } = server;
    await server.kill();
    server = await startServerProcess({ dataDir, port });
    await until('the log once more', async () =>
      (await get(`fs/logs/${alloc}?task=main&type=stdout&plain=true`)).text.includes('first line'),
    );
  },
  BOUND_MS,
);

it(
  'templates follow a variable and a service, and tell the task by a restart or a signal',
  async () => {
    const path = 'nomad/jobs/rendered';
    const setVariable = (greeting: string): Promise<unknown> =>
      fetch(`${server.url}/v1/var/${path}`, {
        method: 'PUT',
        body: JSON.stringify({ Path: path, Items: { greeting } }),
      });
    const block = { ChangeMode: 'restart', Splay: 0 };
    const task = {
      Name: 'main',
      Driver: 'raw_exec',
      Config: {
        command: '/bin/sh',
        args: ['-c', 'echo "$GREETING"; trap "echo hup" HUP; while :; do sleep 0.1; done'],
      },
      Resources: { CPU: 20, MemoryMB: 16 },
      KillSignal: 'SIGTERM',
      Templates: [
        {
          ...block,
          EmbeddedTmpl: 'GREETING={{ with nomadVar "nomad/jobs/rendered" }}{{ .greeting | toJSON }}{{ end }}',
          DestPath: 'secrets/env',
          Envvars: true,
        },
        {
          ...block,
          ChangeMode: 'signal',
          ChangeSignal: 'SIGHUP',
          EmbeddedTmpl: '{{ range nomadService "late" }}{{ .Address }}:{{ .Port }}{{ end }}',
          DestPath: 'local/late',
        },
      ],
    };
    const register = (ID: string, group: object): Promise<unknown> =>
      fetch(`${server.url}/v1/jobs`, {
        method: 'PUT',
        body: JSON.stringify({ Job: { ID, Name: ID, Datacenters: ['*'], TaskGroups: [group] } }),
      });
    await register('rendered', { Name: 'g', Count: 1, Tasks: [task] });
    const allocation = (): Promise<
      { ID: string; TaskStates: Record<string, { Events: { DisplayMessage: string }[] }> } | undefined
    > =>
      fetch(`${server.url}/v1/job/rendered/allocations`).then(async (answer) => ((await answer.json()) as never[])[0]);
    const said = async (text: string): Promise<boolean> =>
      (await allocation())?.TaskStates?.['main']?.Events.some(({ DisplayMessage }) => DisplayMessage.includes(text)) ??
      false;
    await until('what the template waits for', () => said(`Missing: nomad.var.block(${path}@default)`));
    await setVariable('hello');
    const { ID } = (await allocation())!;
    const log = async (): Promise<string> => (await get(`fs/logs/${ID}?task=main&type=stdout&plain=true`)).text;
    await until('the greeting', async () => (await log()).includes('hello\n'));
    await setVariable('good bye');
    await until('the restart', async () => (await log()).includes('good bye\n'));
    await until('the event of it', () => said('Template with change_mode restart re-rendered'));
    await register('late', {
      Name: 'g',
      Count: 1,
      Services: [{ Name: 'late', Provider: 'nomad', Address: '10.9.8.7', AddressMode: 'auto' }],
      Tasks: [{ Name: 'main', Driver: 'mock_driver', Config: { run_for: '1h' }, Resources: { CPU: 20, MemoryMB: 16 } }],
    });
    await until('the signal', async () => (await log()).includes('hup'));
    expect((await get(`fs/cat/${ID}?path=main/local/late`)).text).toBe('10.9.8.7:0');
  },
  BOUND_MS,
);

it(
  'a server that is stopped at the end of a suite leaves no task behind',
  async () => {
    const stats = JSON.parse((await get(`allocation/${alloc}/stats`)).text) as {
      Tasks: { main: { Pids: Record<string, unknown> } };
    };
    const pids = Object.keys(stats.Tasks.main.Pids).map(Number);
    expect(pids.length).toBeGreaterThan(0);
    await server.stop();
    await until('the processes to end', () => Promise.resolve(pids.every((pid) => !existsSync(`/proc/${pid}`))));
  },
  BOUND_MS,
);
