import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from './failure.mjs';
import { inRoot, requireFreeSpace, root, runtime } from './paths.mjs';

const dist = inRoot('dist');
const stampFile = join(dist, '.stamp');
const folders = ['apps', 'examples', 'libs', 'test'];
const megabytesNeeded = 50;

const isSource = (name) => /\.(tsx?|css|svg|html)$/.test(name) && !name.endsWith('.spec.ts') && !name.endsWith('.d.ts');

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (isSource(entry.name)) yield path;
  }
}

/** Changes whenever a source, the compiler's settings or the installed packages do; takes a few milliseconds. */
function sourceStamp() {
  const hash = createHash('sha256');
  for (const file of [inRoot('.swcrc'), inRoot('package-lock.json')]) hash.update(readFileSync(file));
  const existing = folders.map((folder) => inRoot(folder)).filter((folder) => existsSync(folder));
  for (const path of existing.flatMap((folder) => [...sources(folder)]).sort((a, b) => (a < b ? -1 : 1))) {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

export const isBuilt = () => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === sourceStamp();

/**
 * Compiles apps, examples, libs and test into dist/. To be called with the set-up lock held. Built beside dist and put in its place by renaming, so
 * that a process that runs from dist never sees half of it.
 */
export function build({ force = false } = {}) {
  if (!force && isBuilt()) return;
  requireFreeSpace(root, megabytesNeeded, 'building');
  for (const name of readdirSync(root)) {
    if (name.startsWith('.rollbook-build')) rmSync(inRoot(name), { recursive: true, force: true });
  }
  const fresh = inRoot('.rollbook-build-new');
  const former = inRoot('.rollbook-build-old');
  // Taken before compiling: a source that changes meanwhile makes the next start build again.
  const stamp = sourceStamp();
  const existing = folders.filter((folder) => existsSync(inRoot(folder)));
  const options = [
    '--extensions',
    '.ts',
    '--ignore',
    'apps/console/**',
    '--ignore',
    '**/*.spec.ts',
    '--ignore',
    '**/*.d.ts',
    '--quiet',
  ];
  const swc = [inRoot('node_modules/@swc/cli/bin/swc.js'), ...existing, '-d', fresh, ...options];
  const { status } = spawnSync(runtime(), swc, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Failure('the build failed; the compiler says why above.');
  // The page is bundled into the same dist, so that server and page are always of one build.
  const bundle = [inRoot('scripts/lib/bundle-console.mjs'), join(fresh, 'console')];
  const bundled = spawnSync(runtime(), bundle, { cwd: root, stdio: ['ignore', 2, 2] });
  if (bundled.status !== 0) throw new Failure('the console could not be built; the bundler says why above.');
  writeFileSync(join(fresh, '.stamp'), stamp);
  if (existsSync(dist)) renameSync(dist, former);
  renameSync(fresh, dist);
  rmSync(former, { recursive: true, force: true });
}
