import { existsSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from './failure.mjs';

/** The repository's top directory. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const inRoot = (...parts) => join(root, ...parts);

const oldestRuntime = [24, 9];

/** The Node that runs compiled code and tools: the one pinned through npm, or this one if it is as new. */
export function runtime() {
  const pinned = inRoot('node_modules/node/bin/node');
  if (existsSync(pinned)) return pinned;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestRuntime[0] || (major === oldestRuntime[0] && minor >= oldestRuntime[1])) return process.execPath;
  throw new Failure(
    'Node 24 is missing from node_modules because install scripts did not run; run `npm rebuild node`.',
  );
}

/** Refuses early where a full disk would otherwise fail somewhere in the middle. `megabytes` is what the step may need. */
export function requireFreeSpace(directory, megabytes, step) {
  let existing = directory;
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = statfsSync(existing);
  const free = Math.floor((bavail * bsize) / 2 ** 20);
  if (free < megabytes) {
    throw new Failure(`not enough disk space in ${existing}: ${free} MB are free, ${step} needs ${megabytes} MB.`);
  }
}
