import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrate, PostgresEventStore } from '@app/event-store';
import { createTestDatabase } from '@app/testing';
import { Client } from 'pg';
import { MIGRATIONS } from './wiring.js';

const documented = /```sql\n([\s\S]*?)```/.exec(readFileSync(join(__dirname, '../../docs/security.md'), 'utf8'))![1]!;

describe('The role that docs/security.md gives to servers', () => {
  test('is no superuser, migrates a database and writes its log', async () => {
    const database = await createTestDatabase();
    const owner = new Client({ connectionString: database.url });
    await owner.connect();
    const url = new URL(database.url);
    const [name, role] = [url.pathname.slice(1), `role_of_${url.pathname.slice(1)}`];
    try {
      for (const statement of documented.split('\n').filter((line) => /^(CREATE ROLE|GRANT|REVOKE)/.test(line)))
        await owner.query(
          statement
            .replaceAll('…', 'a password')
            .replace(/DATABASE rollbook/, `DATABASE ${name}`)
            .replace(/\b(ROLE|TO) rollbook\b/, `$1 ${role}`),
        );
      [url.username, url.password] = [role, 'a password'];
      await migrate(url.href, MIGRATIONS);
      const store = new PostgresEventStore({ url: url.href, poolSize: 1 });
      // A function of the log's owner, that writes.
      expect(await store.acquireLease('scheduler', 'an instance', 1_000)).toBeDefined();
      await store.close();
      const { rows } = await owner.query(
        'SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = $1',
        [role],
      );
      expect(rows).toEqual([{ rolsuper: false, rolcreatedb: false, rolcreaterole: false }]);
    } finally {
      await owner.query(`DROP OWNED BY ${role}`).catch(() => undefined);
      await owner.query(`DROP ROLE IF EXISTS ${role}`).catch(() => undefined);
      await owner.end();
      await database.drop();
    }
  });
});
