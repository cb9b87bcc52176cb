// `npm start`: sets up, then runs one server with embedded Postgres and one in-process node.
import { main } from './lib/failure.mjs';
import { runEntry } from './lib/launch.mjs';
import { prepare } from './lib/prepare.mjs';

await main(async () => {
  await prepare();
  return runEntry('apps/server', process.argv.slice(2), {
    env: { ROLLBOOK_DEV_NODES: process.env.ROLLBOOK_DEV_NODES || '1' },
  });
});
