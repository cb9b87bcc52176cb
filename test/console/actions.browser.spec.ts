import { BOUND_MS, ConsoleSuite, describeInBrowser, job } from './harness.js';

describeInBrowser('acting in the console', () => {
  const suite = new ConsoleSuite();
  const act = async (button: string, verb: string, reason = ''): Promise<void> => {
    await suite.page.locator('main').getByRole('button', { name: button }).first().click();
    if (reason !== '') await suite.page.getByLabel('Why').fill(reason);
    await suite.page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
    await suite.page.getByRole('dialog').waitFor({ state: 'detached' });
  };

  /** Keeps back what the server answers to this address: `next` lets the answer through that `isHeld` tells of, `release` all of them. */
  const held = async (pattern: string) => {
    let free = Promise.withResolvers<void>();
    const first = Promise.withResolvers<void>();
    await suite.page.route(pattern, async (route) => {
      const answer = await route.fetch();
      const { promise } = free;
      first.resolve();
      await promise;
      await route.fulfill({ response: answer });
    });
    return {
      isHeld: first.promise,
      next: () => {
        free.resolve();
        free = Promise.withResolvers();
      },
      release: async () => {
        free.resolve();
        await suite.page.unrouteAll({ behavior: 'ignoreErrors' });
      },
    };
  };

  it(
    'one group of two is promoted; the other waits on',
    async () => {
      const id = await suite.waitsForPromotion({ id: 'grouped', groups: ['api', 'worker'] });
      await suite.open(`/ui/deployments/${id}`);
      await act('Promote group api', 'Promote', 'api first');
      await suite.page.getByRole('cell', { name: 'promoted', exact: true }).waitFor();
      await suite.page.getByRole('button', { name: 'Promote group worker' }).waitFor();
      const promoted = (await suite.history('deployment', id)).filter(({ Type }) => Type === 'DeploymentPromoted');
      expect(promoted).toMatchObject([{ Reason: 'api first', Data: { groups: ['api'] } }]);
      await act('Fail…', 'Fail the deployment');
    },
    BOUND_MS,
  );

  it(
    'what was done from this page is no news to whoever acts next, though not all of the page shows it yet',
    async () => {
      const id = await suite.waitsForPromotion({ id: 'own-doing', groups: ['api', 'worker'] });
      await suite.open(`/ui/deployments/${id}`);
      const history = await held(`**/rollbook/history/deployment/${id}*`);
      await act('Promote group api', 'Promote', 'go');
      await suite.page.getByRole('cell', { name: 'promoted', exact: true }).waitFor();
      await act('Fail…', 'Fail the deployment', 'too late');
      await history.release();
      expect((await suite.history('deployment', id)).at(-1)).toMatchObject({
        Type: 'DeploymentFailed',
        Reason: 'too late',
      });
    },
    BOUND_MS,
  );

  it(
    'what happens while the page reads has not been seen by the answer it reads',
    async () => {
      const id = await suite.waitsForPromotion({ id: 'unseen' });
      await suite.open(`/ui/deployments/${id}`);
      const pause = (isPaused: boolean) =>
        suite.send<{ Index: number }>('PUT', `/v1/deployment/pause/${id}`, { DeploymentID: id, Pause: isPaused });
      const deployment = await held(`**/v1/deployment/${id}`);
      await pause(true);
      await deployment.isHeld;
      await pause(false);
      const last = await pause(true);
      await suite.page
        .locator('main')
        .getByRole('link', { name: `#${last.Index.toLocaleString('en')}` })
        .first()
        .waitFor();
      deployment.next();
      await suite.page.getByRole('button', { name: 'Resume…' }).click();
      const seen = await suite.page
        .getByRole('dialog')
        .getByText(/^as of #/)
        .textContent();
      expect(Number(seen!.replace(/\D/g, ''))).toBeLessThan(last.Index);
      await suite.page.keyboard.press('Escape');
      await deployment.release();
    },
    BOUND_MS,
  );

  it(
    'what happens while updates are held back has not been seen',
    async () => {
      const id = await suite.waitsForPromotion({ id: 'held-back' });
      await suite.open(`/ui/deployments/${id}`);
      await suite.page.getByText(/^live, #/).waitFor();
      await suite.page.keyboard.press('u');
      await suite.page.getByRole('button', { name: 'updates held back' }).waitFor();
      const { Index } = await suite.send<{ Index: number }>('PUT', `/v1/deployment/pause/${id}`, {
        DeploymentID: id,
        Pause: true,
      });
      // All tabs are told by the one stream, the first one first.
      const other = await suite.newPage(suite.context);
      await suite.open(`/ui/deployments/${id}`, other);
      await other.getByText(`live, #${Index.toLocaleString('en')}`).waitFor();
      await other.close();
      await suite.page.getByRole('button', { name: 'Fail…' }).click();
      const dialog = suite.page.getByRole('dialog');
      await dialog.getByRole('button', { name: 'Fail the deployment', exact: true }).click();
      await dialog.getByRole('button', { name: 'Fail the deployment all the same' }).waitFor();
      await suite.page.keyboard.press('Escape');
      await suite.page.keyboard.press('u');
      await suite.page.getByRole('button', { name: 'Resume…' }).waitFor();
      expect((await suite.history('deployment', id)).at(-1)!.Index).toBe(Index);
    },
    BOUND_MS,
  );

  it(
    'health is set by hand, and one unhealthy allocation ends the deployment',
    async () => {
      const id = await suite.waitsForPromotion({ id: 'judged' });
      await suite.open(`/ui/deployments/${id}`);
      await suite.page.getByRole('button', { name: 'Set health…' }).click();
      const dialog = suite.page.getByRole('dialog');
      await dialog.getByRole('checkbox').uncheck();
      expect(await dialog.getByRole('button', { name: 'Set health', exact: true }).isDisabled()).toBe(true);
      await dialog.getByRole('checkbox').check();
      await dialog.getByRole('radio', { name: 'unhealthy' }).check();
      await suite.page.getByLabel('Why').fill('p99 is up');
      await dialog.getByRole('button', { name: 'Set health', exact: true }).click();
      await suite.page.getByRole('heading', { name: 'Failed due to unhealthy', exact: false }).waitFor();
      expect((await suite.history('deployment', id)).map(({ Reason }) => Reason)).toContain('p99 is up');
    },
    BOUND_MS,
  );

  it(
    'several rollouts are chosen and paused at once, each with the reason',
    async () => {
      const ids = [await suite.waitsForPromotion({ id: 'many-1' }), await suite.waitsForPromotion({ id: 'many-2' })];
      await suite.open('/ui/');
      await suite.page.getByRole('checkbox', { name: 'Choose many-1' }).check();
      await suite.page.getByRole('checkbox', { name: 'Choose many-2' }).check();
      await act('Pause 2…', 'Pause', 'freeze for the audit');
      for (const id of ids) {
        await suite.until<{ Status: string }>(`/v1/deployment/${id}`, ({ Status }) => Status === 'paused');
        expect((await suite.history('deployment', id)).at(-1)).toMatchObject({
          Type: 'DeploymentPaused',
          Reason: 'freeze for the audit',
        });
      }
    },
    BOUND_MS,
  );

  it(
    'a node is kept from new work, drained and taken back',
    async () => {
      await suite.open('/ui/clients');
      await suite.page.locator('main tbody a').first().click();
      await suite.page.getByRole('heading', { name: 'takes work', exact: false }).waitFor();
      await act('Take no new work…', 'Take no new work', 'kernel update');
      await suite.page.getByRole('heading', { name: 'takes no new work', exact: false }).waitFor();
      await act('Take work…', 'Take work');
      await suite.page.getByRole('heading', { name: 'and takes work', exact: false }).waitFor();
      await act('Drain…', 'Drain', 'disk is failing');
      await suite.page.locator('q', { hasText: 'disk is failing' }).first().waitFor();
      const id = suite.page.url().split('/').at(-1)!;
      // The drain may be over at once, where nothing runs.
      const end = suite.page.getByRole('button', { name: 'End the drain…' });
      const back = suite.page.getByRole('button', { name: 'Take work…' });
      await end.or(back).first().waitFor();
      await suite.send('PUT', `/v1/node/${id}/drain`, { DrainSpec: null, MarkEligible: true });
      await suite.page.getByRole('heading', { name: 'and takes work', exact: false }).waitFor();
    },
    BOUND_MS,
  );

  it(
    'any two versions are compared, and a commit is read by itself',
    async () => {
      for (const [version, release] of ['1', '2', '3'].entries())
        await suite.rolled({ id: 'versions', release }, version);
      await suite.open('/ui/jobs/versions@default/versions');
      await suite.page.getByRole('checkbox', { name: 'Choose version 0' }).check();
      await suite.page.getByRole('checkbox', { name: 'Choose version 2' }).check();
      await suite.page.getByRole('link', { name: 'Compare version 0 and version 2' }).click();
      await suite.page.getByRole('heading', { name: '1 field differs between version 0 and version 2.' }).waitFor();
      await suite.page.locator('tr', { hasText: 'RELEASE' }).filter({ hasText: '1 3' }).waitFor();
      const { Index } = await suite.send<{ Index: number }>(
        'PUT',
        '/v1/jobs',
        job({ id: 'versions', release: '4', canaries: 1 }),
        { 'X-Rollbook-Reason': 'release day' },
      );
      await suite.open(`/ui/ledger/${Index}`);
      await suite.page.getByRole('heading', { name: 'changed 2 objects', exact: false }).waitFor();
      await suite.page.locator('q', { hasText: 'release day' }).waitFor();
      await suite.page.getByText('version 3 by register').waitFor();
    },
    BOUND_MS,
  );

  it(
    'a command runs in a task, and what it says is shown as text',
    async () => {
      await suite.rolled({ id: 'shell', release: '1', count: 1, driver: 'raw_exec' }, 0);
      const [first] = await suite.send<readonly { readonly ID: string }[]>('GET', '/v1/job/shell/allocations');
      await suite.open(`/ui/allocations/${first!.ID}`);
      await suite.page.getByText('Run a command in server').click();
      await suite.page.getByRole('button', { name: 'Run', exact: true }).click();
      const line = suite.page.getByLabel('Line to send');
      await line.fill("printf '\\033[31m<b>%s</b>\\n' $((6*7))");
      await line.press('Enter');
      await suite.page.locator('pre', { hasText: '<b>42</b>' }).waitFor();
      await line.fill('exit 3');
      await line.press('Enter');
      await suite.page.locator('pre', { hasText: '[ended with 3]' }).waitFor();
    },
    BOUND_MS,
  );

  it(
    'by keys alone: a rollout is found, promoted with a reason, and its commit opened',
    async () => {
      const id = await suite.waitsForPromotion({ id: 'by-keys' });
      await suite.open('/ui/settings');
      const { keyboard } = suite.page;
      await keyboard.press('Control+k');
      await keyboard.type(id.slice(0, 8));
      await suite.page.getByRole('option', { name: id }).waitFor();
      await keyboard.press('Enter');
      await suite.page.getByRole('heading', { name: 'waits for a promotion', exact: false }).waitFor();
      await keyboard.press('.');
      await keyboard.press('Enter');
      await suite.page.getByRole('dialog').waitFor();
      await keyboard.type('by hand, without a mouse');
      await keyboard.press('Control+Enter');
      await suite.page.getByRole('status').getByRole('link').waitFor();
      await keyboard.press('?');
      await suite.page.getByRole('heading', { name: 'Keys' }).waitFor();
      await keyboard.press('Escape');
      await suite.page.getByRole('heading', { name: 'Keys' }).waitFor({ state: 'hidden' });
      await keyboard.press('g');
      await keyboard.press('j');
      await suite.page.getByRole('heading', { name: /jobs?\.$/ }).waitFor();
      await keyboard.press('j');
      await keyboard.press(' ');
      await suite.page.getByText('1 job chosen').waitFor();
      await keyboard.press('u');
      await suite.page.getByRole('button', { name: 'updates held back' }).waitFor();
      await keyboard.press('u');
      expect((await suite.history('deployment', id)).map(({ Reason }) => Reason)).toContain('by hand, without a mouse');
    },
    BOUND_MS,
  );

  it(
    'a key that is pressed the moment a dialog closes is for the page',
    async () => {
      await suite.open('/ui/clients');
      await suite.page.keyboard.press('?');
      await suite.page.getByRole('dialog').waitFor();
      await suite.page.evaluate(`
        document.querySelector('dialog').close();
        for (const key of ['g', 'j'])
          document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
      `);
      await suite.page.waitForURL('**/ui/jobs');
    },
    BOUND_MS,
  );

  it(
    'ten thousand allocations are one picture, whose cursor says what it is on',
    async () => {
      await suite.page.route('**/v1/job/versions/allocations*', async (route) => {
        const [one] = (await (await route.fetch()).json()) as readonly object[];
        const all = Array.from({ length: 10_000 }, (_, at) => ({
          ...one,
          ...{ ID: `00000000-0000-0000-0000-${String(at).padStart(12, '0')}`, Name: `versions.api[${at}]` },
          ...{ DesiredStatus: 'run', ClientStatus: 'running', DeploymentStatus: { Healthy: at % 3 !== 0 } },
        }));
        await route.fulfill({ json: all });
      });
      await suite.open('/ui/jobs/versions@default');
      const grid = suite.page.getByRole('grid', { name: '10000 slots' });
      await grid.focus();
      await grid.press('End');
      await suite.page.getByRole('gridcell', { name: 'versions.api[9999], unhealthy or failed' }).waitFor();
      await grid.press('ArrowLeft');
      await suite.page.getByRole('gridcell', { name: 'versions.api[9998], healthy' }).waitFor();
      await suite.page.getByText('6,666 healthy').waitFor();
      await suite.page.unroute('**/v1/job/versions/allocations*');
    },
    BOUND_MS,
  );
});
