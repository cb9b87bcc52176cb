import { BOUND_MS, ConsoleSuite, describeInBrowser, type LogEvent } from './harness.js';

jest.setTimeout(BOUND_MS);

const HOSTILE = `<img src=x onerror=alert(1)> javascript:alert(1) {{7*7}} \u202egnp`;

const escaped = (char: string): string => `%${char.charCodeAt(0).toString(16)}`;

describeInBrowser('The ledger', () => {
  const suite = new ConsoleSuite();
  const rows = () => suite.page.getByRole('region', { name: 'Commits' }).locator('tbody tr');
  let id: string;

  beforeAll(async () => {
    id = await suite.waitsForPromotion({ id: 'checkout', canaries: 1 });
    const why = {
      'X-Rollbook-Reason*': `UTF-8''${encodeURIComponent(`new tax rules ${HOSTILE}`).replace(/[()*']/g, escaped)}`,
    };
    await suite.send('PUT', `/v1/deployment/pause/${id}`, { DeploymentID: id, Pause: true }, why);
    await suite.send('PUT', `/v1/deployment/pause/${id}`, { DeploymentID: id, Pause: false });
  }, BOUND_MS);

  test('finds commits by kind, type and the words of a reason, and its address says which', async () => {
    await suite.open('/ui/ledger');
    await rows().first().waitFor();
    await suite.page.getByLabel('Why').fill('TAX rul');
    await suite.page.waitForURL(/reason=TAX/);
    await suite.page.getByRole('heading', { name: /1 event fits/ }).waitFor();
    expect(await rows().count()).toBe(1);
    const row = rows().first();
    expect(await row.innerText()).toContain('new tax rules <img src=x onerror=alert(1)>');
    // As text, with what turns text around made visible.
    expect(await row.innerText()).not.toContain('\u202e');
    expect(await suite.page.locator('main img').count()).toBe(0);
    await suite.page.getByLabel('Kind').selectOption('node');
    await suite.page.getByRole('heading', { name: 'Nothing fits here.' }).waitFor();
    await suite.open('/ui/ledger?type=DeploymentResumed');
    await suite.page.getByRole('heading', { name: /1 event fits/ }).waitFor();
    expect(await rows().count()).toBe(1);
    expect(await suite.page.getByLabel('Type').inputValue()).toBe('DeploymentResumed');
  });

  test('goes back by the slider, and forward to what happens now', async () => {
    await suite.open('/ui/ledger');
    await rows().first().waitFor();
    const slider = suite.page.getByRole('slider', { name: 'Up to when' });
    await slider.focus();
    await slider.press('Home');
    await suite.page.waitForURL(/until=\d+/);
    const until = Number(new URL(suite.page.url()).searchParams.get('until'));
    const newest = rows()
      .first()
      .getByRole('link', { name: `#${until.toLocaleString('en')}`, exact: true });
    await newest.waitFor();
    await suite.page.getByRole('button', { name: 'Newest' }).click();
    await suite.page.waitForURL((url) => !url.search.includes('until'));
    const why = { 'X-Rollbook-Reason': 'just now' };
    await suite.send('PUT', `/v1/deployment/pause/${id}`, { DeploymentID: id, Pause: true }, why);
    await rows().filter({ hasText: 'just now' }).waitFor();
  });

  test('says what it cannot be asked, and shows it as text', async () => {
    await suite.open(`/ui/ledger?kind=${encodeURIComponent('<b>cat')}`);
    await suite.page.getByText('there is no kind "<b>cat"').waitFor();
    suite.forgive(/status of 400/);
  });

  test('of a job and all that belongs to it is one line, of which kinds can be left out', async () => {
    await suite.open('/ui/jobs/checkout@default/history');
    const line = suite.page.getByRole('region', { name: 'History' });
    await line.getByText('paused').first().waitFor();
    for (const kind of ['job', 'deployment', 'allocation', 'evaluation'])
      expect(await line.locator('.told .muted', { hasText: new RegExp(`^${kind}$`) }).count()).toBeGreaterThan(0);
    await suite.page.getByLabel('allocations').uncheck();
    await line
      .locator('.told .muted', { hasText: /^allocation$/ })
      .first()
      .waitFor({ state: 'detached' });
    const events = await suite.send<readonly LogEvent[]>('GET', '/v1/operator/rollbook/history/job/checkout');
    await line.getByRole('link', { name: `#${events[0]!.Index.toLocaleString('en')}`, exact: true }).waitFor();
    await suite.open(`/ui/deployments/${id}`);
    await suite.page.getByText('With its allocations and evaluations').click();
    await suite.page.getByRole('group', { name: 'What is told' }).waitFor();
  });
});
