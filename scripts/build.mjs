// `npm run build`: compiles apps, libs and test into dist/, anew with --force.
import { build } from './lib/build.mjs';
import { main } from './lib/failure.mjs';
import { install } from './lib/install.mjs';
import { withSetupLock } from './lib/lock.mjs';

await main(() =>
  withSetupLock(() => {
    install();
    build({ force: process.argv.includes('--force') });
  }),
);
