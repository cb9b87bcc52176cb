import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startAgent } from '@app/agent';
import { silentLog } from '../../libs/agent/testing/builders.js';
import { AgentOverRpc } from '../rpc/agent-over-rpc.js';
import { freePort, startServerProcess, type ServerProcess } from '../support/server-process.js';

/**
 * What they show depends on pace: they observe before Nomad's deployment watcher, which waits a second after a change, has acted, or after ten
 * seconds that the whole took. Ours waits a tenth. README says so, too.
 */
const OF_ANOTHER_PACE = new Set([
  'jobs-statuses',
  'namespaces-jobs',
]);
const BOUND_MS = 600_000;

interface Report {
  readonly scenarios: readonly { readonly name: string; readonly error?: string; readonly failures: readonly { readonly observation: string }[] }[];
}

interface Suite {
  readonly title: string;
  readonly directory: string;
  readonly left: ReadonlySet<string>;
  readonly env: Readonly<Record<string, string>>;
  /** Scenarios at a time: policies of one ACL scenario are read by others. */
  readonly lanes: number;
}

const SUITES: readonly Suite[] = [
  { title: 'without ACLs', directory: 'scenarios', left: OF_ANOTHER_PACE, env: {}, lanes: 6 },
  { title: 'with ACLs', directory: 'scenarios-acl', left: new Set<string>(), env: { ROLLBOOK_ACL: 'true' }, lanes: 1 },
];

/** `npm run test:rpc`: the node joins as one of Nomad's client agents does. */
const BEHIND_RPC = process.env['CONFORMANCE_NODE'] === 'rpc';
/** They ask for an agent in the server's process, and for an identity that servers do not sign for Nomad's clients. */
const NOT_BEHIND_RPC = new Set(['agent-self', 'client-metadata']);
const suites = BEHIND_RPC
  ? SUITES.slice(0, 1).map((suite) => ({ ...suite, left: new Set([...suite.left, ...NOT_BEHIND_RPC]) }))
  : SUITES;

async function startBehindRpc(env: Suite['env']): Promise<ServerProcess> {
  const port = await freePort();
  const server = await startServerProcess({
    env: { ...env, ROLLBOOK_DEV_NODES: '0', ROLLBOOK_RPC_PORT: String(port) },
  });
  const bridge = await AgentOverRpc.start(port, server.url);
  const directory = await mkdtemp(join(tmpdir(), 'rollbook-node-'));
  const agent = await startAgent({
    serverAddress: bridge.address,
    dataDir: directory,
    nodeName: 'node-1',
    datacenter: 'dc1',
    resources: { ip: '127.0.0.1' },
    log: silentLog,
  });
  await agent.ready;
  return {
    ...server,
    stop: async () => {
      await agent.stop({ tasks: 'kill' });
      await bridge.stop();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

describe.each(suites)('a real Nomad and Rollbook answer alike $title', ({ directory, left, env, lanes }) => {
  const names = readdirSync(join(__dirname, directory))
    .map((file) => file.replace(/\.mjs$/, ''))
    .filter((name) => !left.has(name));
  let server: ServerProcess | undefined;
  let report: Report;

  beforeAll(async () => {
    server = await (BEHIND_RPC ? startBehindRpc(env) : startServerProcess({ env }));
    const results = await mkdtemp(join(tmpdir(), 'rollbook-conformance-'));
    const json = join(results, 'report.json');
    const what = ['--dir', directory, '--only', names.join(','), '--parallel', String(lanes)];
    const run = [join(__dirname, 'conformance.mjs'), '--addr', server.url, ...what, '--json', json];
    // It ends with 1 when something differs; the report tells what.
    await promisify(execFile)(process.execPath, run, { maxBuffer: 2 ** 28, timeout: BOUND_MS }).catch(() => undefined);
    report = JSON.parse(await readFile(json, 'utf8')) as Report;
    await rm(results, { recursive: true, force: true });
  }, BOUND_MS);

  afterAll(() => server?.stop());

  test.each(names)('%s', (name) => {
    const scenario = report.scenarios.find((one) => one.name === name);
    expect({ error: scenario?.error, failures: scenario?.failures }).toEqual({ error: undefined, failures: [] });
  });
});
