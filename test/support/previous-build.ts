import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './server-process.js';

const COMMIT = 'HEAD~1';

/** Why the commit before this one cannot be had; undefined: it can. */
export function whyNoPreviousCommit(): string | undefined {
  const { error, status } = spawnSync('git', ['rev-parse', '--verify', '--quiet', `${COMMIT}^{commit}`], {
    cwd: repository(),
    stdio: 'ignore',
  });
  if (error) return 'there is no git';
  return status === 0 ? undefined : 'there is no commit before this one in the history';
}

/** Compiles the commit before this one in an empty folder, with the packages that are installed here. @throws Error if that fails. */
export function buildPreviousCommit(directory: string): void {
  const root = repository();
  const run = (command: string, args: readonly string[], cwd: string): void => {
    const { status, stderr } = spawnSync(command, args, {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stderr}`);
  };
  const archive = join(directory, 'commit.tar');
  run('git', ['archive', '--format=tar', '-o', archive, COMMIT], root);
  run('tar', ['-xf', archive], directory);
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  const swc = join(root, 'node_modules/@swc/cli/bin/swc.js');
  const options = ['--extensions', '.ts', '--ignore', '**/*.spec.ts', '--ignore', '**/*.d.ts', '--quiet'];
  run(process.execPath, [swc, 'apps', 'libs', '-d', 'dist', ...options], directory);
}
