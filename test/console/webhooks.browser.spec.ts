import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { BOUND_MS, ConsoleSuite, describeInBrowser, findingsOn, job } from './harness.js';

const HOSTILE = 'holidays <img/src=x/onerror=alert(1)> </script>';
const WEBHOOKS = '/v1/operator/rollbook/webhooks';
const FREEZES = '/v1/operator/rollbook/freezes';

describeInBrowser('freezes and webhooks in the console', () => {
  const suite = new ConsoleSuite({ ROLLBOOK_WEBHOOK_ALLOW_PRIVATE: 'loopback' });
  let receiver: Server;
  let status = 204;
  let taken = 0;
  let address: string;
  beforeAll(async () => {
    receiver = createServer((request, response) => {
      request.resume();
      if (status < 300) taken++;
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  });
  afterAll(() => {
    receiver.closeAllConnections();
    receiver.close();
  });

  const dialog = () => suite.page.getByRole('dialog');
  /** Sends what the dialog asks, as the keyboard does. */
  const sendWith = async (reason: string): Promise<void> => {
    await dialog().getByLabel('Why (kept').fill(reason);
    await dialog().getByLabel('Why (kept').press('Control+Enter');
    await dialog().waitFor({ state: 'detached' });
  };

  it(
    'a freeze is made by the keyboard, holds a change up, says by whom, and is ended',
    async () => {
      await suite.open('/ui/');
      await suite.page.keyboard.press('g');
      await suite.page.keyboard.press('f');
      await suite.page.getByRole('heading', { name: 'Nothing is frozen, now or later.' }).waitFor();
      await suite.page.keyboard.press('.');
      await suite.page.keyboard.press('Enter');
      await dialog().waitFor();
      await suite.page.keyboard.type('xmas');
      expect(await dialog().getByLabel('Name, one').inputValue()).toBe('xmas');
      await dialog().getByLabel('What is said').fill(HOSTILE);
      await dialog().getByLabel('Jobs').fill('shop*');
      await dialog().getByLabel('Until').fill('2199-01-07T06:00');
      await sendWith('nobody is there');
      await suite.page.getByRole('heading', { name: 'by xmas: holidays', exact: false }).waitFor();
      await suite.page.locator('q', { hasText: HOSTILE }).waitFor();
      const refused = suite.send('PUT', '/v1/jobs', job({ id: 'shop-1', release: '1', count: 0 }));
      await expect(refused).rejects.toThrow('409 frozen until');
      const [told] = await suite.send<{ Reason: string; Jobs: string[]; Modified: object }[]>('GET', FREEZES);
      expect(told).toMatchObject({ Reason: HOSTILE, Jobs: ['shop*'], Modified: { Reason: 'nobody is there' } });
      await suite.page.getByRole('button', { name: 'End the freeze xmas' }).click();
      await sendWith('they are back');
      await suite.page.getByRole('heading', { name: 'Nothing is frozen, now or later.' }).waitFor();
    },
    BOUND_MS,
  );

  it(
    'a freeze that comes back says when; a name that is taken is not sent, and what is wrong is told in the dialog',
    async () => {
      await suite.open('/ui/freezes');
      await suite.page.getByRole('button', { name: 'Freeze again and again…' }).click();
      await dialog().getByLabel('Name, one').fill('weekend');
      await dialog().getByLabel('What is said').fill('weekend');
      await dialog().getByLabel('Jobs').fill('nothing');
      await dialog().getByLabel('Begins').fill('often');
      await dialog().getByLabel('Lasts').fill('60h');
      await dialog().getByRole('button', { name: 'Freeze', exact: true }).click();
      await dialog().getByRole('alert').waitFor();
      suite.forgive(/status of 400/);
      await dialog().getByLabel('Begins').fill('0 18 * * 5');
      await sendWith('as always');
      await suite.page.getByRole('cell', { name: '0 18 * * 5 for 60 h', exact: false }).waitFor();
      await suite.page.getByRole('button', { name: 'Freeze once…' }).click();
      await dialog().getByLabel('Name, one').fill('weekend');
      expect(await dialog().getByRole('button', { name: 'Freeze', exact: true }).isDisabled()).toBe(true);
      await suite.page.keyboard.press('Escape');
    },
    BOUND_MS,
  );

  it(
    'a webhook is made; its secret is shown once, a test is sent, and the page says that it works',
    async () => {
      await suite.open('/ui/webhooks');
      await suite.page.getByRole('heading', { name: 'Nobody is told of events by HTTP.' }).waitFor();
      await suite.page.getByRole('button', { name: 'Add a webhook…' }).click();
      await dialog().getByLabel('Name, one').fill('chat');
      await dialog().getByLabel('Address').fill(address);
      await dialog().getByLabel('Topics').fill('Job');
      await sendWith('the team asks');
      const secret = await suite.page.locator('code', { hasText: /^whsec_/ }).textContent();
      await suite.page.getByRole('button', { name: 'I have it' }).click();
      await suite.page.getByRole('link', { name: 'chat' }).click();
      await suite.page.getByRole('heading', { name: 'chat has not been told of anything yet' }).waitFor();
      expect(await suite.page.content()).not.toContain(secret);
      await suite.page.getByRole('button', { name: 'Send a test…' }).click();
      await dialog().getByRole('button', { name: 'Send it' }).click();
      await suite.page.getByText('The test was taken: 204.').waitFor();
      await suite.send('PUT', '/v1/jobs', job({ id: 'told-1', release: '1', count: 0 }));
      await suite.page.getByRole('heading', { name: 'chat takes what it is told' }).waitFor();
      await suite.page.locator('q', { hasText: 'the team asks' }).first().waitFor();
    },
    BOUND_MS,
  );

  it(
    'dead letters are delivered again, or discarded, never without a reason; one that fails says so',
    async () => {
      await suite.send('PUT', `${WEBHOOKS}/strict`, { URL: address, Topics: { Job: [] }, MaxAttempts: 1 });
      status = 418;
      for (const id of ['lost-1', 'lost-2', '<b>lost-3</b>'])
        await suite.send('PUT', '/v1/jobs', job({ id, release: '1', count: 0 }));
      await suite.until<{ DeadLetters: number }>(`${WEBHOOKS}/strict`, ({ DeadLetters }) => DeadLetters >= 3);
      await suite.open('/ui/webhooks/strict');
      await suite.page.getByRole('heading', { name: 'strict takes nothing: answered 418.' }).waitFor();
      await suite.page.getByRole('cell', { name: 'Job <b>lost-3</b>', exact: false }).first().waitFor();
      status = 204;
      const before = taken;
      await suite.page.getByRole('checkbox').first().check();
      await suite.page.getByRole('button', { name: 'Deliver 1 again…' }).click();
      await sendWith('it is well again');
      await suite.until<{ Redelivered: number }>(`${WEBHOOKS}/strict`, ({ Redelivered }) => Redelivered === 1);
      expect(taken).toBeGreaterThan(before);
      await suite.page.getByRole('button', { name: 'Discard all…' }).click();
      await dialog().getByRole('button', { name: 'Discard', exact: true }).click();
      // Without a reason nothing is sent.
      expect(
        await dialog()
          .getByLabel('Why (kept')
          .evaluate((field) => (field as unknown as { validity: { valid: boolean } }).validity.valid),
      ).toBe(false);
      await sendWith('these rooms are gone');
      await suite.page.getByText('None: each event was taken, delivered later or discarded.').waitFor();
      const events = await suite.history('webhook-letters', 'strict').catch(() => undefined);
      expect(events).toBeUndefined();
      suite.forgive(/status of 404/);
    },
    BOUND_MS,
  );

  it(
    'a webhook is disabled, enabled and deleted; the list says so in its first line',
    async () => {
      await suite.open('/ui/webhooks/strict');
      for (const [verb, heading] of [
        ['Disable', 'strict is disabled'],
        ['Enable', 'strict takes what it is told'],
      ] as const) {
        await suite.page.getByRole('button', { name: `${verb}…` }).click();
        await sendWith(`${verb} it`);
        await suite.page.getByRole('heading', { name: heading, exact: false }).waitFor();
        if (verb === 'Disable') {
          await suite.open('/ui/webhooks');
          await suite.page.getByRole('heading', { name: '2 webhooks: 1 is disabled', exact: false }).waitFor();
          await suite.open('/ui/webhooks/strict');
        }
      }
      await suite.page.getByRole('button', { name: 'Delete…' }).click();
      await sendWith('not needed');
      await suite.page.getByRole('heading', { name: /^1 webhook: / }).waitFor();
      suite.forgive(/status of 404/);
    },
    BOUND_MS,
  );

  it(
    'the servers page tells who leads, who delivers, how far everything is, and which instances there are',
    async () => {
      await suite.open('/ui/servers');
      await suite.page.getByRole('heading', { name: 'leads; ', exact: false }).waitFor();
      await suite.page.getByRole('row', { name: 'webhooks', exact: false }).first().waitFor();
      await suite.page.getByRole('row', { name: 'Kafka nobody publishes' }).waitFor();
      await suite.page.getByRole('row', { name: 'alive', exact: false }).waitFor();
      await suite.page.getByRole('row', { name: 'up to #', exact: false }).waitFor();
    },
    BOUND_MS,
  );

  it.each(['light', 'dark'] as const)(
    'the pages are without findings of axe when they are full: %s',
    async (colorScheme) => {
      status = 503;
      await suite.send('PUT', `${WEBHOOKS}/fails`, { URL: address, Topics: { Job: [] }, MaxAttempts: 1 });
      await suite.send('PUT', '/v1/jobs', job({ id: `dead-${colorScheme}`, release: '1', count: 0 }));
      await suite.until<{ DeadLetters: number }>(`${WEBHOOKS}/fails`, ({ DeadLetters }) => DeadLetters > 0);
      await suite.send('PUT', `${FREEZES}/now`, { Jobs: ['x'], End: '2199-01-01T00:00:00Z', Reason: HOSTILE });
      const own = await suite.newContext({ colorScheme, bypassCSP: true, viewport: { width: 320, height: 700 } });
      const tab: Page = await own.newPage();
      const found: string[] = [];
      for (const [path, heading] of [
        // Whether the other one freezes, too, depends on the day.
        ['freezes', /^Frozen until|hold changes up now/],
        ['webhooks', /^2 webhooks/],
        ['webhooks/fails', /^fails takes nothing/],
      ] as const) {
        await tab.goto(`${suite.server.url}/ui/${path}`);
        await tab.getByRole('heading', { name: heading }).waitFor();
        found.push(...(await findingsOn(tab, path)));
      }
      await own.close();
      expect(found).toEqual([]);
    },
    BOUND_MS,
  );
});

describeInBrowser('freezes and webhooks for who may only look', () => {
  const suite = new ConsoleSuite({ ROLLBOOK_ACL: 'true' });

  it(
    'what the token may not do stays, says why, and does nothing',
    async () => {
      const { SecretID: root } = await suite.send<{ SecretID: string }>('PUT', '/v1/acl/bootstrap');
      const asRoot = { 'X-Nomad-Token': root };
      const policy = { Name: 'looks', Rules: 'operator { policy = "read" }' };
      await suite.send('PUT', '/v1/acl/policy/looks', policy, asRoot);
      const token = { Name: 'looker', Type: 'client', Policies: ['looks'] };
      const { SecretID: looker } = await suite.send<{ SecretID: string }>('PUT', '/v1/acl/token', token, asRoot);
      await suite.send('PUT', `${WEBHOOKS}/chat`, { URL: 'http://127.0.0.1:1/' }, asRoot);
      const own = await suite.newContext();
      await own.addInitScript((secret) => sessionStorage.setItem('token', secret), looker);
      const page = await suite.newPage(own);
      for (const [path, button] of [
        ['/ui/freezes', 'Freeze once…'],
        ['/ui/webhooks', 'Add a webhook…'],
        ['/ui/webhooks/chat', 'Delete…'],
      ] as const) {
        await suite.open(path, page);
        await page.getByText('Your token may not').waitFor();
        const action = page.getByRole('button', { name: button });
        expect(await action.getAttribute('aria-disabled')).toBe('true');
        await action.focus();
        await page.keyboard.press('Enter');
        expect(await page.getByRole('dialog').count()).toBe(0);
      }
      suite.forgive(/status of 403/);
    },
    BOUND_MS,
  );
});
