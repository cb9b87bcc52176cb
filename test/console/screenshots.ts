import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { repository, startServerProcess } from '../support/server-process.js';

/*
 * `npm run screenshots`: a small shop in mid-week, by four people and a pipeline, and pictures of it for docs/screenshots.
 */

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const WAIT_MS = 60_000;

interface JobOptions {
  readonly count: number;
  readonly release: string;
  readonly canaries?: number;
  readonly parallel?: number;
  readonly memory?: number;
  readonly healthyAfter?: number;
}

const job = (id: string, options: JobOptions): object => ({
  Job: {
    ...{ ID: id, Name: id, Type: 'service', Datacenters: ['*'], Meta: { release: options.release } },
    Update: {
      ...{ MaxParallel: options.parallel ?? options.count, MinHealthyTime: options.healthyAfter ?? 1e8 },
      ...{ HealthyDeadline: 300e9, ProgressDeadline: 600e9 },
      ...{ Canary: options.canaries ?? 0, AutoRevert: true, HealthCheck: 'task_states' },
    },
    TaskGroups: [
      {
        Name: 'api',
        Count: options.count,
        EphemeralDisk: { SizeMB: 20 },
        Tasks: [
          {
            ...{ Name: 'server', Driver: 'mock_driver' },
            Config: { run_for: '10h', stdout_string: `${id} ${options.release} serves\n` },
            Env: { RELEASE: options.release },
            LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
            Resources: { CPU: 10, MemoryMB: options.memory ?? 16 },
          },
        ],
      },
    ],
  },
});

class Shop {
  readonly tokens = new Map<string, string>();

  constructor(readonly url: string) {}

  async send<T>(who: string, method: string, path: string, body?: object, why = ''): Promise<T> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { 'X-Nomad-Token': this.tokens.get(who) ?? '', ...(why === '' ? {} : { 'X-Rollbook-Reason': why }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  }

  async open(): Promise<void> {
    const { SecretID } = await this.send<{ SecretID: string }>('', 'PUT', '/v1/acl/bootstrap');
    this.tokens.set('root', SecretID);
    for (const Name of ['ana', 'ben', 'chioma', 'ci-main']) {
      const made = await this.send<{ SecretID: string }>('root', 'PUT', '/v1/acl/token', { Name, Type: 'management' });
      this.tokens.set(Name, made.SecretID);
    }
  }

  register(who: string, why: string, id: string, options: JobOptions): Promise<unknown> {
    return this.send(who, 'PUT', '/v1/jobs', job(id, options), why);
  }

  /** The newest deployment of a job, once it is as wanted. */
  async deployment(id: string, isWanted: (one: { Status: string; JobVersion: number; healthy: number }) => boolean) {
    for (const end = Date.now() + WAIT_MS; Date.now() < end; await delay(100)) {
      const one = await this.send<{
        ID: string;
        Status: string;
        JobVersion: number;
        TaskGroups: { api: { HealthyAllocs: number } };
      } | null>('root', 'GET', `/v1/job/${id}/deployment`);
      if (one !== null && isWanted({ ...one, healthy: one.TaskGroups.api.HealthyAllocs })) return one.ID;
    }
    throw new Error(`${id} did not become as wanted`);
  }

  async rolled(who: string, why: string, id: string, version: number, options: JobOptions): Promise<void> {
    await this.register(who, why, id, options);
    await this.deployment(id, ({ Status, JobVersion }) => Status === 'successful' && JobVersion === version);
  }
}

async function fill(shop: Shop): Promise<string> {
  await shop.open();
  await shop.rolled('ci-main', 'release 2026.47', 'checkout', 0, { count: 24, release: '47' });
  await shop.rolled('ci-main', 'release 2026.47', 'search', 0, { count: 8, release: '47' });
  await shop.rolled('ci-main', 'release 2026.47', 'web', 0, { count: 12, release: '47' });
  await shop.rolled('chioma', 'first try of the new mailer', 'mailer', 0, { count: 3, release: '1' });
  await shop.register('ci-main', 'release 2026.48', 'mailer', { count: 3, release: '2', canaries: 1 });
  const mailer = await shop.deployment('mailer', ({ JobVersion, healthy }) => JobVersion === 1 && healthy === 1);
  await shop.send('ben', 'PUT', `/v1/deployment/fail/${mailer}`, { DeploymentID: mailer }, 'bounces doubled');
  await shop.deployment('mailer', ({ Status, JobVersion }) => JobVersion === 2 && Status === 'successful');
  await shop.register('ci-main', 'release 2026.48', 'search', { count: 8, release: '48', canaries: 2 });
  const search = await shop.deployment('search', ({ JobVersion, healthy }) => JobVersion === 1 && healthy === 2);
  await shop.send(
    'ben',
    'PUT',
    `/v1/deployment/pause/${search}`,
    { DeploymentID: search, Pause: true },
    'load test until 16:00',
  );
  await shop.register('chioma', 'month end', 'reports', { count: 3, release: '9', memory: 900_000 });
  await shop.register('ci-main', 'release 2026.48', 'web', {
    count: 12,
    release: '48',
    parallel: 2,
    healthyAfter: 20e9,
  });
  await shop.register('ana', 'new tax rules', 'checkout', { count: 24, release: '48', canaries: 2 });
  return shop.deployment('checkout', ({ JobVersion, healthy }) => JobVersion === 1 && healthy === 2);
}

async function main(): Promise<void> {
  const folder = join(repository(), 'docs/screenshots');
  await mkdir(folder, { recursive: true });
  const server = await startServerProcess({ env: { ROLLBOOK_DEV_NODES: '6', ROLLBOOK_ACL: 'true' } });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const shop = new Shop(server.url);
    const id = await fill(shop);
    for (const theme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ colorScheme: theme, viewport: { width: 1200, height: 860 } });
      const page = await context.newPage();
      await page.addInitScript((token) => sessionStorage.setItem('token', token ?? ''), shop.tokens.get('ana'));
      for (const [name, path] of [
        ['board', '/ui/'],
        ['job', '/ui/jobs/checkout@default'],
        ['deployment', `/ui/deployments/${id}`],
        ['ledger', '/ui/ledger'],
      ] as const) {
        await page.goto(server.url + path);
        await page.locator('h1').waitFor();
        await page.getByText('live, #').waitFor();
        await page.getByText('Reading…').first().waitFor({ state: 'detached' });
        // What follows from the first answers is read, too.
        await delay(1000);
        await page.screenshot({ path: join(folder, `${name}-${theme}.png`) });
      }
      await context.close();
    }
  } finally {
    await browser.close();
    await server.stop();
  }
}

void main();
