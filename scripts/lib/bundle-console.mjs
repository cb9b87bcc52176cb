// Bundles apps/console into the folder given: hashed files without anything from elsewhere. Fails beyond the size a first load may have.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { inRoot } from './paths.mjs';

/** Of all that the first load fetches, gzipped. */
const BYTES_ALLOWED = 140_000;
const outDir = process.argv[2];

await build({
  root: inRoot('apps/console'),
  base: '/ui/',
  configFile: false,
  publicDir: false,
  logLevel: 'warn',
  resolve: { alias: [{ find: /^@app\/([^/]+)$/, replacement: inRoot('libs/$1/index.ts') }] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  build: { outDir, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: 'es2022' },
});

const files = readdirSync(outDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(file.parentPath, file.name))).length, 0);
if (bytes > BYTES_ALLOWED) throw new Error(`the console weighs ${bytes} bytes gzipped; ${BYTES_ALLOWED} are allowed`);
process.stderr.write(`console: ${(bytes / 1000).toFixed(1)} kB gzipped\n`);
