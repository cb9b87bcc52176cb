import { createHash, randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { createAclToken } from '@app/domain';
import { CommandHandler, PostgresEventStore } from '@app/event-store';
import { ACL_REGISTRY } from '@app/kernel';
import { digestOfSecret } from '@app/keyring';
import { StartupError } from '@app/platform';
import { aggregates } from '@app/read-models';
import { withLog } from './database.js';

const DAY_NS = 24 * 3600e9;
const DEFAULT_NAME = 'made by npm run ops acl token';

export interface TokenOptions {
  readonly name?: string;
  /** Why, as the event will say. */
  readonly reason?: string;
}

/**
 * Makes a management token for a day, for whoever has the database and no token any more. It leaves an event like any other token's, with whose shell
 * it was; the secret is told here, once. @throws StartupError
 */
export async function runAclToken({ name = DEFAULT_NAME, reason }: TokenOptions): Promise<void> {
  await withLog(async (url) => {
    const store = new PostgresEventStore({ url });
    const handler = new CommandHandler({ store, aggregates, clock: () => Date.now() * 1000 });
    try {
      const [accessorId, secret] = [randomUUID(), randomUUID()];
      const given = { name, type: 'management', policies: [], roles: [], isGlobal: true, ttl: DAY_NS, time: 0 };
      const command = {
        ...given,
        accessorId,
        secretDigest: digestOfSecret(secret),
        nameBytes: Buffer.byteLength(name),
        hash: createHash('sha256').update(JSON.stringify(given)).digest('base64'),
      };
      const outcome = await handler.execute({
        name: 'CreateAclToken',
        reads: [ACL_REGISTRY],
        decide: (view, context) => createAclToken(view, context, command),
        meta: { actor: `ops ${userInfo().username}`, ...(reason !== undefined && { reason }) },
      });
      if (outcome.kind === 'rejected') throw new StartupError(outcome.rejection.detail ?? outcome.rejection.code);
      if (outcome.kind !== 'accepted') throw new StartupError(`no token was made (${outcome.kind}); try again.`);
      process.stdout.write(
        `A management token for a day, in the log at index ${outcome.index}. Its secret is told now and never again.\n\n` +
          `  Accessor  ${accessorId}\n  Secret    ${secret}\n\n` +
          `Make a lasting one with it: PUT /v1/acl/token {"Name": "…", "Type": "management"}\n`,
      );
    } finally {
      await handler.close();
      await store.close();
    }
  });
}
