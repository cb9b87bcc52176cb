import { BOUND_MS, ConsoleSuite, describeInBrowser, findingsOn, job } from './harness.js';

const HOSTILE = '<img/src=x/onerror=alert(1)>';
const REASON = 'error rate is fine, “naïve” 😀 </script><script>alert(1)</script>';

describeInBrowser('the console in a browser', () => {
  const suite = new ConsoleSuite();
  const open = (path: string): Promise<void> => suite.open(path);
  const roll = async (id: string): Promise<void> => {
    await suite.send('PUT', '/v1/jobs', job({ id, release: '1' }));
    await open(`/ui/deployments/${await suite.deploymentOf(id, 0)}`);
    await suite.page.getByRole('heading', { name: 'Deployment completed successfully' }).waitFor();
    await suite.send('PUT', '/v1/jobs', job({ id, release: '2', canaries: 1 }));
  };

  it(
    'an empty board says so, and fills without being loaded again; a promotion keeps its reason',
    async () => {
      await open('/ui/');
      await suite.page.getByRole('heading', { name: 'Nothing is rolling out.' }).waitFor();
      await suite.send('PUT', '/v1/jobs', job({ id: HOSTILE, release: '1' }));
      await suite.page
        .getByRole('link', { name: `${HOSTILE}@default`, exact: false })
        .first()
        .waitFor();
      await roll(HOSTILE);
      await open('/ui/');
      await suite.page.getByRole('heading', { name: '1 rollout waits for a person', exact: false }).waitFor();
      await suite.page.getByRole('button', { name: 'Promote…' }).click();
      await suite.page.getByLabel('Why').fill(REASON);
      await suite.page.getByLabel('Why').press('Control+Enter');
      await suite.page.getByRole('heading', { name: 'Nothing is rolling out.' }).waitFor();
      const ID = await suite.deploymentOf(HOSTILE, 1);
      await open(`/ui/deployments/${ID}`);
      await suite.page.locator('q', { hasText: REASON }).first().waitFor();
      const history = await suite.history('deployment', ID);
      expect(history.filter(({ Type }) => Type === 'DeploymentPromoted').map(({ Reason }) => Reason)).toEqual([REASON]);
    },
    BOUND_MS,
  );

  it(
    'a deployment changes as it is watched: paused, resumed, failed',
    async () => {
      await roll('watched');
      await open(`/ui/deployments/${await suite.deploymentOf('watched', 1)}`);
      for (const [verb, shown] of [
        ['Pause', 'Paused'],
        ['Resume', 'waits for a promotion'],
      ] as const) {
        await suite.page.getByRole('button', { name: `${verb}…` }).click();
        await suite.page.getByRole('dialog').getByRole('button', { name: verb }).click();
        await suite.page.getByRole('heading', { name: shown, exact: false }).waitFor();
      }
      await suite.page.getByRole('button', { name: 'Fail…' }).click();
      await suite.page.getByRole('dialog').waitFor();
      await suite.page.getByLabel('Why').press('Escape');
      await suite.page.getByRole('dialog').waitFor({ state: 'detached' });
      await suite.page.getByRole('button', { name: 'Fail…' }).click();
      await suite.page.getByRole('dialog').getByRole('button', { name: 'Fail the deployment' }).click();
      await suite.page.getByRole('heading', { name: 'Deployment marked as failed', exact: false }).waitFor();
    },
    BOUND_MS,
  );

  it(
    'an allocation shows what its task wrote',
    async () => {
      const all = await suite.send<readonly { readonly ID: string; readonly JobVersion: number }[]>(
        'GET',
        '/v1/job/watched/allocations',
      );
      const first = all.find(({ JobVersion }) => JobVersion === 1);
      await open(`/ui/allocations/${first!.ID}`);
      await suite.page.getByText(', version 1, on').waitFor();
      await suite.page.locator('pre.log', { hasText: 'ready to serve' }).waitFor();
    },
    BOUND_MS,
  );

  it.each([
    { theme: 'light', forcedColors: 'none' },
    { theme: 'dark', forcedColors: 'none' },
    { theme: 'dark', forcedColors: 'active' },
  ] as const)(
    'every page is without findings of axe, and no wider than a small screen: $theme, forced colours $forcedColors',
    async ({ theme, forcedColors }) => {
      // The failed version 1 was reverted, which is version 2.
      const ID = await suite.deploymentOf('watched', 2);
      const [first] = await suite.send<readonly { readonly ID: string }[]>('GET', '/v1/job/watched/allocations');
      const [node] = await suite.send<readonly { readonly ID: string }[]>('GET', '/v1/nodes');
      const [evaluation] = await suite.send<readonly { readonly ID: string }[]>('GET', '/v1/job/watched/evaluations');
      const tabs = ['', '/deployments', '/allocations', '/versions', '/evaluations', '/history', '/definition'];
      const own = await suite.newContext({
        colorScheme: theme,
        forcedColors,
        bypassCSP: true,
        viewport: { width: 320, height: 700 },
      });
      const tab = await own.newPage();
      const found: string[] = [];
      for (const path of [
        '',
        'jobs',
        ...tabs.map((name) => `jobs/watched@default${name}`),
        `deployments/${ID}`,
        `allocations/${first!.ID}`,
        'clients',
        `clients/${node!.ID}`,
        'evaluations',
        `evaluations/${evaluation!.ID}`,
        'jobs/watched@default/versions/0..2',
        'ledger/9',
        'ledger',
        'freezes',
        'webhooks',
        'servers',
        'settings',
        'storage/plugins',
      ]) {
        await tab.goto(`${suite.server.url}/ui/${path}`);
        await tab.locator('h1').waitFor();
        await tab.getByText('Reading…').first().waitFor({ state: 'detached' });
        found.push(...(await findingsOn(tab, path)));
      }
      await own.close();
      expect(found).toEqual([]);
    },
    BOUND_MS,
  );

  it('keys go from page to page, and a place without a page says so', async () => {
    await open('/ui/storage/plugins');
    await suite.page.getByRole('heading', { name: 'Rollbook has no page here.' }).waitFor();
    await suite.page.keyboard.press('g');
    await suite.page.keyboard.press('l');
    await suite.page.getByRole('heading', { name: 'made by people', exact: false }).waitFor();
  });

  it('the page may be framed by nobody and runs no script but its own; assets are for ever, a missing one is 404', async () => {
    const answer = await fetch(`${suite.server.url}/ui/jobs/any`);
    const policy = answer.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    const [, script = ''] = /src="([^"]+)"/.exec(await answer.text()) ?? [];
    expect((await fetch(suite.server.url + script)).headers.get('cache-control')).toContain('immutable');
    expect((await fetch(`${suite.server.url}/ui/assets/none.js`)).status).toBe(404);
    expect((await fetch(`${suite.server.url}/`)).url).toBe(`${suite.server.url}/ui/`);
  });
});
