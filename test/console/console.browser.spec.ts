import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const BOUND_MS = 120_000;
const WAIT_MS = 20_000;
const HOSTILE = '<img/src=x/onerror=alert(1)>';
const REASON = 'error rate is fine, “naïve” 😀 </script><script>alert(1)</script>';
const isThere = existsSync(CHROMIUM);
// Said aloud: a suite that is silently skipped proves nothing.
if (!isThere)
  process.stderr.write(`console.browser: all its tests are skipped, as there is no Chromium at ${CHROMIUM}\n`);

const job = (id: string, release: string, canaries: number): object => ({
  Job: {
    ID: id,
    Name: id,
    Type: 'service',
    Datacenters: ['*'],
    Update: {
      MaxParallel: 2,
      MinHealthyTime: 1e8,
      HealthyDeadline: 60e9,
      ProgressDeadline: 600e9,
      Canary: canaries,
      AutoRevert: true,
      HealthCheck: 'task_states',
    },
    TaskGroups: [
      {
        Name: 'api',
        Count: 2,
        Tasks: [
          {
            Name: 'server',
            Driver: 'mock_driver',
            Config: { run_for: '10h', stdout_string: 'ready to serve' },
            Env: { RELEASE: release },
            Resources: { CPU: 20, MemoryMB: 16 },
          },
        ],
      },
    ],
  },
});

(isThere ? describe : describe.skip)('the console in a browser', () => {
  let server: ServerProcess;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** What no page may cause: faults, violations of the policy, dialogs. */
  const wrongs: string[] = [];

  const send = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const answer = await fetch(server.url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const open = async (path: string): Promise<void> => {
    await page.goto(server.url + path);
    await page.locator('h1').waitFor();
  };
  /** The deployment of that version, once there is one. */
  const deploymentOf = async (id: string, version: number): Promise<string> => {
    for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; await delay(50)) {
      const found = await send<{ ID: string; JobVersion: number } | null>(
        'GET',
        `/v1/job/${encodeURIComponent(id)}/deployment`,
      );
      if (found?.JobVersion === version) return found.ID;
    }
    throw new Error(`${id} got no deployment of version ${version}`);
  };
  const roll = async (id: string): Promise<void> => {
    await send('PUT', '/v1/jobs', job(id, '1', 0));
    await open(`/ui/deployments/${await deploymentOf(id, 0)}`);
    await page.getByRole('heading', { name: 'Deployment completed successfully' }).waitFor();
    await send('PUT', '/v1/jobs', job(id, '2', 1));
  };

  beforeAll(async () => {
    server = await startServerProcess({ env: { ROLLBOOK_DEV_NODES: '2' } });
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
    });
    context = await browser.newContext();
    context.setDefaultTimeout(WAIT_MS);
    page = await context.newPage();
    page.on('pageerror', ({ message }) => wrongs.push(message));
    page.on('console', (said) => {
      if (['error', 'warning'].includes(said.type())) wrongs.push(said.text());
    });
    page.on('dialog', (dialog) => {
      wrongs.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }, BOUND_MS);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  }, BOUND_MS);
  afterEach(() => {
    if (wrongs.length > 0) throw new Error(`the page caused: ${wrongs.splice(0).join('; ')}`);
  });

  it(
    'an empty board says so, and fills without being loaded again; a promotion keeps its reason',
    async () => {
      await open('/ui/');
      await page.getByRole('heading', { name: 'Nothing is rolling out.' }).waitFor();
      await send('PUT', '/v1/jobs', job(HOSTILE, '1', 0));
      await page
        .getByRole('link', { name: `${HOSTILE}@default`, exact: false })
        .first()
        .waitFor();
      await roll(HOSTILE);
      await open('/ui/');
      await page.getByRole('heading', { name: '1 rollout waits for a person', exact: false }).waitFor();
      await page.getByRole('button', { name: 'Promote…' }).click();
      await page.getByLabel('Why').fill(REASON);
      await page.getByLabel('Why').press('Control+Enter');
      await page.getByRole('heading', { name: 'Nothing is rolling out.' }).waitFor();
      const ID = await deploymentOf(HOSTILE, 1);
      await open(`/ui/deployments/${ID}`);
      await page.locator('q', { hasText: REASON }).first().waitFor();
      const history = await send<readonly { readonly Type: string; readonly Reason: string }[]>(
        'GET',
        `/v1/operator/rollbook/history/deployment/${ID}`,
      );
      expect(history.filter(({ Type }) => Type === 'DeploymentPromoted').map(({ Reason }) => Reason)).toEqual([REASON]);
    },
    BOUND_MS,
  );

  it(
    'a deployment changes as it is watched: paused, resumed, failed',
    async () => {
      await roll('watched');
      await open(`/ui/deployments/${await deploymentOf('watched', 1)}`);
      for (const [verb, shown] of [
        ['Pause', 'Paused'],
        ['Resume', 'waits for a promotion'],
      ] as const) {
        await page.getByRole('button', { name: `${verb}…` }).click();
        await page.getByRole('dialog').getByRole('button', { name: verb }).click();
        await page.getByRole('heading', { name: shown, exact: false }).waitFor();
      }
      await page.getByRole('button', { name: 'Fail…' }).click();
      await page.getByRole('dialog').waitFor();
      await page.getByLabel('Why').press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Fail…' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Fail the deployment' }).click();
      await page.getByRole('heading', { name: 'Deployment marked as failed', exact: false }).waitFor();
    },
    BOUND_MS,
  );

  it(
    'an allocation shows what its task wrote',
    async () => {
      const all = await send<readonly { readonly ID: string; readonly JobVersion: number }[]>(
        'GET',
        '/v1/job/watched/allocations',
      );
      const first = all.find(({ JobVersion }) => JobVersion === 1);
      await open(`/ui/allocations/${first!.ID}`);
      await page.getByText(', version 1, on').waitFor();
      await page.locator('pre.log', { hasText: 'ready to serve' }).waitFor();
    },
    BOUND_MS,
  );

  it.each(['light', 'dark'] as const)(
    'every page is without findings of axe, and no wider than a small screen: %s',
    async (theme) => {
      // The failed version 1 was reverted, which is version 2.
      const ID = await deploymentOf('watched', 2);
      const [first] = await send<readonly { readonly ID: string }[]>('GET', '/v1/job/watched/allocations');
      const tabs = ['', '/deployments', '/allocations', '/versions', '/evaluations', '/history', '/definition'];
      const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
      const own = await browser.newContext({
        colorScheme: theme,
        bypassCSP: true,
        viewport: { width: 320, height: 700 },
      });
      own.setDefaultTimeout(WAIT_MS);
      const tab = await own.newPage();
      const found: string[] = [];
      for (const path of [
        '',
        'jobs',
        ...tabs.map((name) => `jobs/watched@default${name}`),
        `deployments/${ID}`,
        `allocations/${first!.ID}`,
        'clients',
        'ledger',
        'servers',
        'settings',
        'storage/plugins',
      ]) {
        await tab.goto(`${server.url}/ui/${path}`);
        await tab.locator('h1').waitFor();
        await tab.getByText('Reading…').first().waitFor({ state: 'detached' });
        await tab.evaluate(axe);
        const violations = await tab.evaluate(async () => {
          const { violations: all } = await (
            globalThis as unknown as {
              axe: { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
            }
          ).axe.run();
          return all.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
        });
        const width = await tab.evaluate<number>('document.documentElement.scrollWidth');
        found.push(...violations.map((one) => `${path} ${one}`), ...(width > 320 ? [`${path} is ${width} wide`] : []));
      }
      await own.close();
      expect(found).toEqual([]);
    },
    BOUND_MS,
  );

  it('keys go from page to page, and a place without a page says so', async () => {
    await open('/ui/storage/plugins');
    await page.getByRole('heading', { name: 'Rollbook has no page here.' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('l');
    await page.getByRole('heading', { name: 'Commits', exact: false }).waitFor();
  });

  it('the page may be framed by nobody and runs no script but its own; assets are for ever, a missing one is 404', async () => {
    const answer = await fetch(`${server.url}/ui/jobs/any`);
    const policy = answer.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    const [, script = ''] = /src="([^"]+)"/.exec(await answer.text()) ?? [];
    expect((await fetch(server.url + script)).headers.get('cache-control')).toContain('immutable');
    expect((await fetch(`${server.url}/ui/assets/none.js`)).status).toBe(404);
    expect((await fetch(`${server.url}/`)).url).toBe(`${server.url}/ui/`);
  });
});
