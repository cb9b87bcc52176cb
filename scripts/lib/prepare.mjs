import { build, isBuilt } from './build.mjs';
import { install, isInstalled } from './install.mjs';
import { withSetupLock } from './lock.mjs';

/** Installs and builds what is missing or out of date. When nothing is, this takes no lock and some milliseconds. */
export async function prepare() {
  if (isInstalled() && isBuilt()) return;
  await withSetupLock(() => {
    install();
    build();
  });
}
