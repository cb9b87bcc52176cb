import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../support/server-process.js';

const PACKAGE = 'helm.sh/helm/v3/cmd/helm@v3.17.3';
/** Against which Kubernetes it renders. */
const KUBERNETES = '1.32.0';
const CHART = 'deploy/helm/rollbook';

const runs = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Helm: of `HELM`, of the path, or made by Go, once (some minutes). @throws Error where there is none of them */
export function findHelm(): string {
  const given = process.env['HELM'];
  if (given) return given;
  if (runs('helm', 'version')) return 'helm';
  const directory = join(repository(), 'node_modules/.cache/helm');
  const made = join(directory, 'helm');
  if (existsSync(made)) return made;
  if (!runs('go', 'version')) throw new Error('there is no helm (HELM, PATH), and no go to make it');
  mkdirSync(directory, { recursive: true });
  execFileSync('go', ['install', PACKAGE], { env: { ...process.env, GOBIN: directory }, stdio: 'ignore' });
  return made;
}

/** What a run of helm came to. */
export interface Ran {
  readonly ok: boolean;
  readonly output: string;
  readonly errors: string;
}

function run(args: readonly string[], values: object): Ran {
  const input = JSON.stringify(values);
  const { status, stdout, stderr } = spawnSync(findHelm(), [...args, '--values', '-'], {
    cwd: repository(),
    encoding: 'utf8',
    input,
  });
  return { ok: status === 0, output: stdout, errors: stderr };
}

export const lint = (values: object): Ran => run(['lint', '--strict', CHART], values);

export const template = (values: object): Ran =>
  run(['template', 'demo', CHART, '--namespace', 'rollouts', '--kube-version', KUBERNETES], values);
