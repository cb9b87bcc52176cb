// `node scripts/run.mjs <entry> [arguments …]`: sets up, then runs a compiled entry, such as apps/ops.
import { main } from './lib/failure.mjs';
import { runEntry } from './lib/launch.mjs';
import { prepare } from './lib/prepare.mjs';

await main(async () => {
  const [entry, ...args] = process.argv.slice(2);
  await prepare();
  return runEntry(entry, args);
});
