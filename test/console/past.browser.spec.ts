import { BOUND_MS, ConsoleSuite, describeInBrowser } from './harness.js';

describeInBrowser('the past in the console', () => {
  const suite = new ConsoleSuite();

  it(
    'a link to a moment shows the same to another person, after everything of it was purged',
    async () => {
      const id = await suite.waitsForPromotion({ id: 'remembered' });
      const { Index } = await suite.send<{ Index: number }>(
        'PUT',
        `/v1/deployment/promote/${id}`,
        { DeploymentID: id, All: true },
        { 'X-Rollbook-Reason': 'numbers are fine' },
      );
      await suite.until<{ Status: string }>(`/v1/deployment/${id}`, ({ Status }) => Status === 'successful');
      const link = `/ui/deployments/${id}?at=${Index - 1}`;
      const said = async (): Promise<readonly string[]> => {
        const other = await suite.newPage(await suite.newContext());
        await suite.open(link, other);
        await other.getByRole('heading', { name: 'waits for a promotion by an operator', exact: false }).waitFor();
        await other.getByText(`As of #${Index - 1}`, { exact: false }).waitFor();
        expect(await other.getByRole('button', { name: 'Promote…' }).count()).toBe(0);
        await other
          .locator('main')
          .getByText(/^Reading…$/)
          .first()
          .waitFor({ state: 'detached' });
        // What is told by clocks is left out.
        const texts = await other.locator('main h1, main td:not(:has(time))').allInnerTexts();
        await other.context().close();
        return texts;
      };
      const before = await said();
      await suite.send('DELETE', '/v1/job/remembered?purge=true');
      await suite.send('PUT', '/v1/system/gc');
      expect(await said()).toEqual(before);
      expect(before.join(' ')).not.toContain('promoted: api');

      await suite.open(`/ui/deployments/${id}`);
      await suite.page.getByText('It was there until', { exact: false }).waitFor();
      await suite.page.getByRole('button', { name: 'See it as it last was' }).click();
      await suite.page.getByRole('heading', { name: 'Deployment completed successfully' }).waitFor();
      // Once for each time that the page asked before it was sent into the past.
      suite.forgive(/status of 404/);
    },
    BOUND_MS,
  );

  it(
    'steps and keys move from event to event, a time is a moment too, and now is one key away',
    async () => {
      const id = await suite.waitsForPromotion({ id: 'stepped' });
      await suite.open(`/ui/deployments/${id}`);
      const { keyboard } = suite.page;
      const bar = suite.page.getByRole('region', { name: 'Moment' });
      await keyboard.press('t');
      await bar.getByLabel('Index or time').press('Escape');
      await bar.getByRole('button', { name: 'An event back' }).click();
      const history = await suite.history('deployment', id);
      const indexes = [...new Set(history.map(({ Index }) => Index))];
      await bar.getByText(`As of #${indexes.at(-2)!}`, { exact: false }).waitFor();
      await bar.getByRole('slider').focus();
      await keyboard.press('Home');
      await bar.getByText(`As of #${indexes[0]!}`, { exact: false }).waitFor();
      await bar.getByLabel('Index or time').fill(new Date().toISOString());
      await bar.getByLabel('Index or time').press('Enter');
      await suite.page.getByRole('heading', { name: 'waits for a promotion', exact: false }).waitFor();
      await suite.page.locator('h1').click();
      await keyboard.press('n');
      await suite.page.getByRole('button', { name: 'Promote…' }).waitFor();
      expect(suite.page.url()).not.toContain('at=');
    },
    BOUND_MS,
  );
});
