import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
export const BOUND_MS = 120_000;
export const WAIT_MS = 20_000;
const isThere = existsSync(CHROMIUM);
// Said aloud: a suite that is silently skipped proves nothing.
if (!isThere) process.stderr.write(`test/console: all its tests are skipped, as there is no Chromium at ${CHROMIUM}\n`);

/** Runs where a Chromium is. */
export const describeInBrowser = isThere ? describe : describe.skip;

/** What a job of the tests is; `api` is its only group unless `groups` says otherwise. */
export interface JobOptions {
  readonly id: string;
  readonly release: string;
  readonly canaries?: number;
  readonly count?: number;
  readonly groups?: readonly string[];
  readonly driver?: 'mock_driver' | 'raw_exec';
  readonly meta?: Readonly<Record<string, string>>;
}

export const job = ({
  id,
  release,
  canaries = 0,
  count = 2,
  groups = ['api'],
  driver = 'mock_driver',
  meta,
}: JobOptions) => ({
  Job: {
    ID: id,
    Name: id,
    Type: 'service',
    Datacenters: ['*'],
    ...(meta && { Meta: meta }),
    Update: {
      MaxParallel: 2,
      MinHealthyTime: 1e8,
      HealthyDeadline: 60e9,
      ProgressDeadline: 600e9,
      Canary: canaries,
      AutoRevert: true,
      HealthCheck: 'task_states',
    },
    TaskGroups: groups.map((name) => ({
      Name: name,
      Count: count,
      Tasks: [
        {
          Name: 'server',
          Driver: driver,
          Config:
            driver === 'mock_driver'
              ? { run_for: '10h', stdout_string: 'ready to serve' }
              : { command: '/bin/sleep', args: ['36000'] },
          Env: { RELEASE: release },
          Resources: { CPU: 20, MemoryMB: 16 },
        },
      ],
    })),
  },
});

/** A server and a browser for the tests of one file, and a page that may cause no fault, no violation of the policy and no dialog. */
export class ConsoleSuite {
  server!: ServerProcess;
  browser!: Browser;
  context!: BrowserContext;
  page!: Page;
  /** What pages did that none may do. */
  readonly wrongs: string[] = [];

  constructor(env: Readonly<Record<string, string>> = {}) {
    beforeAll(async () => {
      this.server = await startServerProcess({ env: { ROLLBOOK_DEV_NODES: '2', ...env } });
      this.browser = await chromium.launch({
        executablePath: CHROMIUM,
        args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
      });
      this.context = await this.newContext();
      this.page = await this.newPage(this.context);
    }, BOUND_MS);
    afterAll(async () => {
      await this.browser?.close();
      await this.server?.stop();
    }, BOUND_MS);
    afterEach(() => {
      if (this.wrongs.length > 0) throw new Error(`the page caused: ${this.wrongs.splice(0).join('; ')}`);
    });
  }

  /** Takes back what is no fault of the page: the browser's own words about an answer that the test wanted. */
  forgive(pattern: RegExp): void {
    const kept = this.wrongs.filter((text) => !pattern.test(text));
    this.wrongs.splice(0, this.wrongs.length, ...kept);
  }

  async newContext(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext(options);
    context.setDefaultTimeout(WAIT_MS);
    return context;
  }

  async newPage(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    page.on('pageerror', ({ message }) => this.wrongs.push(message));
    page.on('console', (said) => {
      // Sent again by itself where the machine was quicker: the browser tells of it, and nothing is wrong.
      if (said.text().includes('status of 412')) return;
      if (['error', 'warning'].includes(said.type())) this.wrongs.push(said.text());
    });
    page.on('dialog', (dialog) => {
      this.wrongs.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    return page;
  }

  async send<T>(
    method: string,
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const answer = await fetch(this.server.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    const text = await answer.text();
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async open(path: string, page = this.page): Promise<void> {
    await page.goto(this.server.url + path);
    await page.locator('h1').waitFor();
  }

  /** Asks until the answer is as wanted. */
  async until<T>(path: string, isWanted: (value: T) => boolean): Promise<T> {
    for (const deadline = Date.now() + WAIT_MS; ; await delay(50)) {
      const found = await this.send<T>('GET', path);
      if (isWanted(found)) return found;
      if (Date.now() > deadline)
        throw new Error(`${path} did not become as wanted: ${JSON.stringify(found).slice(0, 500)}`);
    }
  }

  /** The deployment of that version, once there is one. */
  async deploymentOf(id: string, version: number): Promise<string> {
    const found = await this.until<{ ID: string; JobVersion: number } | null>(
      `/v1/job/${encodeURIComponent(id)}/deployment`,
      (one) => one?.JobVersion === version,
    );
    return found!.ID;
  }

  /** Registers a version, and comes back once its deployment is as wanted. */
  async rolled(options: JobOptions, version: number, status = 'successful'): Promise<string> {
    await this.send('PUT', '/v1/jobs', job(options));
    const id = await this.deploymentOf(options.id, version);
    await this.until<{ Status: string }>(`/v1/deployment/${id}`, ({ Status }) => Status === status);
    return id;
  }

  /** A first version in place, and a second one that waits for a promotion by a person. Returns the deployment of the second. */
  async waitsForPromotion(options: Omit<JobOptions, 'release'>): Promise<string> {
    await this.rolled({ ...options, release: '1', canaries: 0 }, 0);
    const id = await this.rolled({ canaries: 1, ...options, release: '2' }, 1, 'running');
    await this.until<{ WaitingFor: string }>(
      `/v1/operator/rollbook/deployment/${id}`,
      ({ WaitingFor }) => WaitingFor === 'promotion',
    );
    return id;
  }

  /** The events of an object, as the log has them. */
  history(kind: string, id: string): Promise<readonly LogEvent[]> {
    return this.send('GET', `/v1/operator/rollbook/history/${kind}/${encodeURIComponent(id)}`);
  }
}

/** What axe finds on a page, and whether it is wider than a small screen; its context must go past the policy, for axe itself. */
export async function findingsOn(tab: Page, path: string): Promise<string[]> {
  await tab.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const violations = await tab.evaluate(async () => {
    const { violations: all } = await (
      globalThis as unknown as {
        axe: { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      }
    ).axe.run();
    return all.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
  });
  const width = await tab.evaluate<number>('document.documentElement.scrollWidth');
  return [...violations.map((one) => `${path} ${one}`), ...(width > 320 ? [`${path} is ${width} wide`] : [])];
}

export interface LogEvent {
  readonly Index: number;
  readonly Type: string;
  readonly Actor: string;
  readonly Reason: string;
}
