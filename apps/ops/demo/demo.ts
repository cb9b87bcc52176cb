import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '@app/platform';
import type { EventData } from '@app/story';
import { storyLines } from '../story.js';
import { apiOfConfiguration, type Api } from '../api.js';
import { bar, Progress } from '../progress.js';

const EXAMPLE = join(__dirname, '../../../../examples/demo.json');
const NODE_BOUND_MS = 10_000;
const START_BOUND_MS = 10_000;
const ROLLOUT_BOUND_MS = 40_000;
const REASON = 'the canary has been healthy for long enough';

interface Job {
  readonly ID: string;
  readonly Update: object;
  readonly Meta?: Readonly<Record<string, string>>;
}

interface Group {
  readonly DesiredCanaries: number;
  readonly DesiredTotal: number;
  readonly PlacedAllocs: number;
  readonly HealthyAllocs: number;
  readonly Promoted: boolean;
}

interface Deployment {
  readonly ID: string;
  readonly JobVersion: number;
  readonly CreateIndex: number;
  readonly Status: string;
  readonly StatusDescription: string;
  readonly TaskGroups: Readonly<Record<string, Group>>;
}

interface HistoryEntry {
  readonly Index: number;
  readonly Time: string;
  readonly Type: string;
  readonly Actor: string;
  readonly Reason: string;
  readonly Data: EventData;
}

/** `ops demo`: a rollout, then one with a canary that is promoted, and its story from the log. Can be run again and again. */
export async function runDemo(): Promise<void> {
  const api = apiOfConfiguration();
  const { Job: example } = JSON.parse(readFileSync(EXAMPLE, 'utf8')) as { Job: Job };
  await aReadyNode(api);

  // A registration that changes nothing rolls nothing out: each run says something new.
  const run = new Date().toISOString();
  print(`1. Register job ${example.ID}, and wait until its rollout is done.`);
  const first = await register(api, { ...example, Meta: { ...example.Meta, release: '1', run } });
  expectSuccess(await follow(api, first, isOver));

  print(`\n2. Register a new release of it, one canary first.`);
  const canary = { ...example, Update: { ...example.Update, Canary: 1 }, Meta: { ...example.Meta, release: '2', run } };
  const second = await register(api, canary);
  const waiting = await follow(api, second, (deployment) => isOver(deployment) || canariesAreHealthy(deployment));
  if (isOver(waiting)) expectSuccess(waiting);

  print(`\n3. The canary is healthy: promote the deployment, and say why.`);
  await api.put(
    `/v1/deployment/promote/${second.ID}`,
    { DeploymentID: second.ID, All: true },
    { 'X-Rollbook-Reason': REASON },
  );
  expectSuccess(await follow(api, second, isOver));

  print(`\n4. Its story, as the log tells it (GET /v1/operator/rollbook/history/deployment/${second.ID}):\n`);
  const entries = await api.get<readonly HistoryEntry[]>(`/v1/operator/rollbook/history/deployment/${second.ID}`);
  const events = entries.map(({ Index: index, Time: time, Type: type, Actor: actor, Reason: reason, Data: data }) => ({
    ...{ index, time, type, actor, reason, data },
  }));
  for (const line of storyLines(events)) print(`  ${line}`);
  print(`\nThe job keeps running. Look around:\n  curl ${api.address}/v1/job/${example.ID}/allocations?pretty`);
  print(`  npm run ops history job ${example.ID}\n  curl -X DELETE ${api.address}/v1/job/${example.ID}   stops it`);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** A server that has just started may still be waiting for its node. */
async function aReadyNode(api: Api): Promise<void> {
  await api.until<readonly { Status: string; SchedulingEligibility: string }[]>(
    '/v1/nodes',
    NODE_BOUND_MS,
    (nodes) => nodes.some((node) => node.Status === 'ready' && node.SchedulingEligibility === 'eligible'),
    `no node of ${api.address} is ready to run anything; \`npm start\` brings one: none is ready`,
  );
}

/** Registers the job; the deployment that rolls this registration out. */
async function register(api: Api, job: Job): Promise<Deployment> {
  const { JobModifyIndex: index } = await api.put<{ JobModifyIndex: number }>('/v1/jobs', { Job: job });
  const path = `/v1/job/${encodeURIComponent(job.ID)}/deployments`;
  const isOurs = ({ CreateIndex: created }: Deployment): boolean => created > index;
  const deployments = await api.until<readonly Deployment[]>(
    path,
    START_BOUND_MS,
    (all) => all.some(isOurs),
    'the scheduler has not begun the rollout',
  );
  return deployments.find(isOurs)!;
}

/** Shows a deployment as it goes on, until it is as wanted. */
async function follow(
  api: Api,
  { ID: id }: Deployment,
  isWanted: (deployment: Deployment) => boolean,
): Promise<Deployment> {
  const progress = new Progress(process.stdout);
  try {
    return await api.until<Deployment>(
      `/v1/deployment/${id}`,
      ROLLOUT_BOUND_MS,
      (deployment) => {
        progress.show(`   ${describe(deployment)}`);
        return isWanted(deployment);
      },
      `deployment ${id} is not done`,
    );
  } finally {
    progress.end();
  }
}

function describe({
  ID: id,
  JobVersion: version,
  Status: status,
  StatusDescription: description,
  TaskGroups: groups,
}: Deployment): string {
  const parts = Object.entries(groups).map(([name, group]) => {
    const canaries = group.DesiredCanaries > 0 && !group.Promoted ? `, ${group.DesiredCanaries} as canary` : '';
    return `${name} ${bar(group.HealthyAllocs, group.DesiredTotal)} ${group.HealthyAllocs} of ${group.DesiredTotal} healthy, ${group.PlacedAllocs} placed${canaries}`;
  });
  return `${id.slice(0, 8)}  version ${version}  ${status.padEnd('successful'.length)}  ${parts.join('; ')}  ${description}`;
}

const isOver = ({ Status: status }: Deployment): boolean => ['successful', 'failed', 'cancelled'].includes(status);

const canariesAreHealthy = ({ TaskGroups: groups }: Deployment): boolean =>
  Object.values(groups).every((group) => group.Promoted || group.HealthyAllocs >= group.DesiredCanaries) &&
  Object.values(groups).some((group) => group.DesiredCanaries > 0);

function expectSuccess({ ID: id, Status: status, StatusDescription: description }: Deployment): void {
  if (status !== 'successful') throw new StartupError(`deployment ${id} is ${status}: ${description}.`);
}
