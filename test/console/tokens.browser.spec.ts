import { BOUND_MS, ConsoleSuite, describeInBrowser, job } from './harness.js';

describeInBrowser('the console with access control', () => {
  const suite = new ConsoleSuite({ ROLLBOOK_ACL: 'true' });

  it(
    'who may read shop sees shop alone; without a token nothing is told, and what is refused says so',
    async () => {
      const { SecretID: root } = await suite.send<{ SecretID: string }>('PUT', '/v1/acl/bootstrap');
      const asRoot = { 'X-Nomad-Token': root };
      for (const Name of ['shop', 'vault-of-secrets'])
        await suite.send('PUT', `/v1/namespace/${Name}`, { Name }, asRoot);
      for (const Namespace of ['shop', 'vault-of-secrets']) {
        const { Job } = job({ id: `job-of-${Namespace}`, release: '1', count: 0 });
        await suite.send('PUT', '/v1/jobs', { Job: { ...Job, Namespace } }, asRoot);
      }
      await suite.send(
        'PUT',
        '/v1/acl/policy/shop',
        { Name: 'shop', Rules: 'namespace "shop" { policy = "read" }' },
        asRoot,
      );
      const { SecretID: reader } = await suite.send<{ SecretID: string }>(
        'PUT',
        '/v1/acl/token',
        { Name: 'reader', Type: 'client', Policies: ['shop'] },
        asRoot,
      );

      await suite.open('/ui/jobs/job-of-shop@shop');
      await suite.page.getByText('Your token may not read this.').first().waitFor();
      expect(await suite.page.content()).not.toContain('vault-of-secrets');

      const own = await suite.newContext();
      await own.addInitScript((token) => sessionStorage.setItem('token', token), reader);
      const page = await suite.newPage(own);
      await suite.open('/ui/jobs', page);
      await page.getByRole('link', { name: 'job-of-shop@shop' }).waitFor();
      expect(await page.content()).not.toContain('vault-of-secrets');
      await page.getByRole('link', { name: 'job-of-shop@shop' }).click();
      await page.getByRole('button', { name: 'Stop…' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Stop the job' }).click();
      await page.getByRole('dialog').getByText('Permission denied').waitFor();
      await suite.open('/ui/jobs/job-of-vault-of-secrets@vault-of-secrets', page);
      await page.getByText('Your token may not read this.').waitFor();
      suite.forgive(/status of (403|404)/);
    },
    BOUND_MS,
  );
});
