import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../support/server-process.js';

/** Where the schema of a kind comes from: types and validators that are generated from Kubernetes' OpenAPI, and from the operator's CRDs. */
const MODULES = new Map([
  ['apps/v1', 'kubernetes-models/apps/v1'],
  ['v1', 'kubernetes-models/v1'],
  ['policy/v1', 'kubernetes-models/policy/v1'],
  ['networking.k8s.io/v1', 'kubernetes-models/networking.k8s.io/v1'],
  ['monitoring.coreos.com/v1', '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'],
]);

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec?: unknown;
}

/**
 * What is wrong with manifests by the schemas of their kinds; '' if nothing is. The validators find wrong values, the types members that there are
 * not: Kubernetes drops those silently.
 */
export function problemsOf(manifests: readonly Manifest[]): string {
  const cache = join(repository(), 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'manifests-'));
  const file = join(directory, 'manifests.mts');
  const node = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8' });
    return status === 0 ? '' : stdout + stderr || 'failed';
  };
  try {
    const parts = manifests.map((manifest, i) => {
      const from = MODULES.get(manifest.apiVersion);
      if (from === undefined) throw new Error(`no schema of ${manifest.apiVersion} ${manifest.kind}`);
      const name = JSON.stringify(from);
      return [
        `import { ${manifest.kind} as Kind${i}, type I${manifest.kind} as Fields${i} } from ${name};`,
        `const manifest${i}: Fields${i} = ${JSON.stringify(manifest, undefined, 2)};`,
        `new Kind${i}(manifest${i}).validate();`,
      ].join('\n');
    });
    writeFileSync(file, parts.join('\n'));
    const tsc = join(repository(), 'node_modules/typescript/bin/tsc');
    const options = ['--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024'];
    return node(tsc, '--ignoreConfig', ...options, file) || node(join(directory, 'manifests.mjs'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
