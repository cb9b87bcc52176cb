import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { repository, startServerProcess } from '../support/server-process.js';
import { BOUND_MS, ConsoleSuite, describeInBrowser, job, WAIT_MS } from './harness.js';

const promotions = (events: readonly { readonly Type: string }[]): number =>
  events.filter(({ Type }) => Type === 'DeploymentPromoted').length;

describeInBrowser('journeys through the console', () => {
  const suite = new ConsoleSuite();
  const dialog = () => suite.page.getByRole('dialog');
  const askFor = async (button: string, why: string): Promise<void> => {
    await suite.page.locator('main').getByRole('button', { name: button }).first().click();
    await suite.page.getByLabel('Why').fill(why);
  };
  const answer = (verb: string): Promise<void> => dialog().getByRole('button', { name: verb, exact: true }).click();

  it(
    'of two who act at once one is told by whom and why the other was first, and nothing is done twice',
    async () => {
      const id = await suite.waitsForPromotion({ id: 'raced' });
      await suite.open(`/ui/deployments/${id}`);
      // The second one does not see what comes, as if the stream were late.
      await suite.page.getByRole('button', { name: 'Promote…' }).waitFor();
      await suite.page.keyboard.press('u');
      await askFor('Promote…', 'looks fine');
      await suite.send('PUT', `/v1/deployment/fail/${id}`, { DeploymentID: id }, { 'X-Rollbook-Reason': 'p99 is up' });
      await answer('Promote');
      await dialog().getByText('the object has changed since index', { exact: false }).waitFor();
      await dialog()
        .locator('li', { hasText: 'anonymous: deployment failed' })
        .locator('q', { hasText: 'p99 is up' })
        .waitFor();
      expect(await suite.page.getByLabel('Why').inputValue()).toBe('looks fine');
      // Who insists is told what Nomad says of it.
      await answer('Promote all the same');
      await dialog().getByText("can't promote terminal deployment", { exact: false }).waitFor();
      await answer('Cancel');
      expect(promotions(await suite.history('deployment', id))).toBe(0);
      suite.forgive(/status of 500/);
      await suite.page.getByRole('button', { name: 'updates held back' }).click();
      await suite.page.getByRole('heading', { name: 'Deployment marked as failed', exact: false }).waitFor();
    },
    BOUND_MS,
  );

  it(
    'what another one does while a dialog is open is told in it',
    async () => {
      const id = await suite.waitsForPromotion({ id: 'overheard' });
      await suite.open(`/ui/deployments/${id}`);
      await askFor('Fail…', 'too slow');
      await suite.send(
        'PUT',
        `/v1/deployment/pause/${id}`,
        { DeploymentID: id, Pause: true },
        { 'X-Rollbook-Reason': 'load test first' },
      );
      await dialog().locator('q', { hasText: 'load test first' }).waitFor();
      // It was told, so it was seen.
      await answer('Fail the deployment');
      await dialog().waitFor({ state: 'detached' });
      const { Status } = await suite.send<{ Status: string }>('GET', `/v1/deployment/${id}`);
      expect(Status).toBe('failed');
    },
    BOUND_MS,
  );

  it(
    'an answer that is lost is asked for again, and a double click is one: each counts once',
    async () => {
      const id = await suite.waitsForPromotion({ id: 'lost' });
      await suite.open(`/ui/deployments/${id}`);
      const path = '**/v1/deployment/promote/*';
      await suite.page.route(path, async (route) => {
        await route.fetch();
        await route.abort();
      });
      await askFor('Promote…', 'all well');
      await answer('Promote');
      await dialog().getByText('It is unknown whether it arrived', { exact: false }).waitFor();
      suite.forgive(/ERR_FAILED/);
      await suite.page.unroute(path);
      await answer('Ask again');
      await dialog().waitFor({ state: 'detached' });
      expect(promotions(await suite.history('deployment', id))).toBe(1);

      const other = await suite.waitsForPromotion({ id: 'clicked-twice' });
      await suite.open(`/ui/deployments/${other}`);
      await askFor('Promote…', 'all well');
      await dialog().getByRole('button', { name: 'Promote', exact: true }).dblclick({ noWaitAfter: true });
      await dialog().waitFor({ state: 'detached' });
      expect(promotions(await suite.history('deployment', other))).toBe(1);
    },
    BOUND_MS,
  );

  it(
    'who fails a rollout is told beforehand which version comes back, and it does',
    async () => {
      await suite.waitsForPromotion({ id: 'reverted' });
      await suite.open('/ui/jobs/reverted@default');
      await askFor('Fail…', 'bad build');
      await dialog().getByText('version 0, the latest stable one, comes back', { exact: false }).waitFor();
      await answer('Fail the deployment');
      await suite.until<{ Version: number; TaskGroups: unknown }>('/v1/job/reverted', ({ Version }) => Version === 2);
      await suite.page.locator('.crumb', { hasText: 'version 2' }).waitFor();
      await suite.open('/ui/jobs/reverted@default/versions');
      await suite.page.getByRole('checkbox', { name: 'Choose version 0' }).check();
      await suite.page.getByRole('checkbox', { name: 'Choose version 2' }).check();
      await suite.page.getByRole('link', { name: 'Compare' }).click();
      await suite.page.getByRole('heading', { name: '0 fields differ', exact: false }).waitFor();
    },
    BOUND_MS,
  );

  it(
    'where nothing is placed every node says why; with room it moves by itself',
    async () => {
      const nodes = await suite.send<readonly { ID: string; Name: string }[]>('GET', '/v1/nodes');
      const offer = (Eligibility: string): Promise<unknown> =>
        Promise.all(nodes.map(({ ID }) => suite.send('PUT', `/v1/node/${ID}/eligibility`, { Eligibility })));
      await offer('ineligible');
      await suite.send('PUT', '/v1/jobs', job({ id: 'roomless', release: '1' }));
      await suite.open('/ui/');
      await suite.page.getByRole('heading', { name: '1 for room', exact: false }).waitFor();
      await suite.page.getByRole('link', { name: 'Why not?' }).click();
      await suite.page.getByRole('heading', { name: 'No node takes one more of api', exact: false }).waitFor();
      for (const { Name } of nodes) await suite.page.getByRole('link', { name: Name, exact: true }).waitFor();
      await offer('eligible');
      await suite.page.getByRole('heading', { name: '2 of 2 slots filled', exact: false }).waitFor();
    },
    BOUND_MS,
  );

  it(
    'a terminal watches the same rollout, promotes it with a reason, and ends with it',
    async () => {
      const id = await suite.waitsForPromotion({ id: 'watched-elsewhere' });
      const watch = spawn(
        process.execPath,
        [join(repository(), 'dist/apps/ops/main.js'), 'watch', 'watched-elsewhere'],
        {
          env: { ...process.env, ROLLBOOK_ADDR: suite.server.url },
          stdio: ['pipe', 'pipe', 'inherit'],
        },
      );
      let said = '';
      watch.stdout.setEncoding('utf8').on('data', (text: string) => {
        if (!said.includes('waits for a promotion') && text.includes('waits for a promotion'))
          watch.stdin.write('pall is well, “naïve” 😀\r');
        said += text;
      });
      const [code] = (await once(watch, 'exit')) as [number];
      expect(said).toContain(
        'watched-elsewhere v1  running  1 of 2 healthy  1 of 1 canary healthy; waits for a promotion',
      );
      expect(said).toContain('promote: done');
      expect(code).toBe(0);
      const promoted = (await suite.history('deployment', id)).filter(({ Type }) => Type === 'DeploymentPromoted');
      expect(promoted.map(({ Reason }) => Reason)).toEqual(['all is well, “naïve” 😀']);
    },
    BOUND_MS,
  );

  it(
    'addresses lead to objects of any name, which are shown as the text that they are',
    async () => {
      const names = ['a/b', 'x@y', '50%', 'rocket🚀', '<img/src=x/onerror=alert(1)>', 'right\u202eleft', '{{7*7}}'];
      const meta = Object.fromEntries(names.map((name, at) => [`k${at}`, `${name}</script><script>alert(1)</script>`]));
      for (const name of names) {
        await suite.send('PUT', '/v1/jobs', job({ id: name, release: '1', count: 0, meta }));
        for (const tab of ['', '/definition', '/history']) {
          await suite.open(`/ui/jobs/${encodeURIComponent(name)}@default${tab}`);
          await suite.page.locator('.crumb', { hasText: name.replace('\u202e', '\ufffd') }).waitFor();
        }
      }
      await suite.open('/ui/jobs');
      await suite.page.getByRole('link', { name: '<img/src=x/onerror=alert(1)>@default' }).waitFor();
      expect(await suite.page.locator('main img, main script').count()).toBe(0);
    },
    BOUND_MS,
  );

  it(
    'a server that is killed is said to be away; after its start the page goes on by itself',
    async () => {
      await suite.rolled({ id: 'survivor', release: '1' }, 0);
      await suite.open('/ui/jobs/survivor@default');
      await suite.page.getByRole('heading', { name: '2 of 2 slots filled', exact: false }).waitFor();
      const { port, dataDir } = suite.server;
      await suite.server.kill();
      await suite.page.getByRole('alert').filter({ hasText: 'cut off' }).waitFor();
      suite.server = await startServerProcess({ port, dataDir, env: { ROLLBOOK_DEV_NODES: '2' } });
      await suite.send('PUT', '/v1/job/survivor/scale', { Target: { Group: 'api' }, Count: 3 });
      await suite.page
        .getByRole('heading', { name: '3 of 3 slots filled', exact: false })
        .waitFor({ timeout: 2 * WAIT_MS });
      await suite.page.getByText('live, #', { exact: false }).waitFor();
      suite.forgive(/ERR_|status of 50[23]/);
    },
    BOUND_MS,
  );
});
