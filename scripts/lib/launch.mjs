import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { Failure } from './failure.mjs';
import { inRoot, runtime } from './paths.mjs';

/** How often a script that npm runs looks whether npm is still there. */
const parentPollMs = 500;
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs the pinned Node with these arguments until it ends and returns its exit code. Signals are passed on; a terminal sends Ctrl-C to both
 * processes, so the child may see it twice (libs/platform/shutdown takes that for one). Whoever is killed takes the rest along: when npm goes, the child is told
 * to end; when this process goes, the child notices by the channel.
 */
export function runNode(args, { env = {}, channel = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(runtime(), args, {
      stdio: channel ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit',
      env: { ...process.env, ...env },
    });
    const forward = (signal) => child.kill(signal);
    for (const signal of forwarded) process.on(signal, forward);
    const parent = process.ppid;
    const watch =
      process.env.npm_lifecycle_event && setInterval(() => process.ppid !== parent && forward('SIGTERM'), parentPollMs);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      for (const name of forwarded) process.off(name, forward);
      clearInterval(watch);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/** Runs a compiled entry of this repository: `apps/server` is dist/apps/server/main.js, `test/performance/bench` is that file. */
export function runEntry(entry, args, options) {
  const file = [`dist/${entry}/main.js`, `dist/${entry}.js`]
    .map((path) => inRoot(path))
    .find((path) => existsSync(path));
  if (!file) throw new Failure(`there is nothing to run at ${entry}.`);
  return runNode(['--enable-source-maps', file, ...args], { ...options, channel: true });
}
