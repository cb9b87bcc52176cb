import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repository, startServerProcess, type ServerProcess } from '../support/server-process.js';

const PYTHON_NOMAD = 'python-nomad==2.1.0';
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const sources = (folder: string): string => join(repository(), 'test/clients', folder);
const has = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Runs a command and tells whether it succeeded; what it prints on lines is shown, and given to `onLine`. */
async function succeeds(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> },
  onLine?: (line: string) => Promise<string | undefined>,
): Promise<boolean> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  for await (const line of createInterface(child.stdout)) {
    const answer = await onLine?.(line);
    if (answer === undefined) print(line);
    else child.stdin.write(`${answer}\n`);
  }
  const [code] = await ended;
  return code === 0;
}

/**
 * `npm run test:clients`: clients that were made for Nomad, from their registries, against a server of their own. Exit code 1 if one of them found
 * something; what a machine has no tools for is left out, and said.
 */
async function main(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-clients-'));
  let server: ServerProcess = await startServerProcess();
  const restart = async (): Promise<void> => {
    await server.kill();
    server = await startServerProcess({ dataDir: server.dataDir, port: server.port });
  };
  const env = { NOMAD_ADDR: server.url };
  let good = true;
  try {
    if (!has('python3', '-m', 'venv', '--help')) print('SKIPPED python-nomad: there is no python3 with venv');
    else {
      print(`${PYTHON_NOMAD}:`);
      const python = join(directory, 'venv/bin/python');
      good &&=
        has('python3', '-m', 'venv', join(directory, 'venv')) &&
        (await succeeds(python, ['-m', 'pip', 'install', '--quiet', PYTHON_NOMAD], {})) &&
        (await succeeds(python, [sources('python/try_nomad.py')], { env: { NOMAD_PORT: String(server.port) } }));
    }
    if (!has('go', 'version')) print('SKIPPED github.com/hashicorp/nomad/api: there is no go');
    else {
      print('github.com/hashicorp/nomad/api:');
      const binary = join(directory, 'clients');
      const built = await succeeds('go', ['build', '-o', binary, '.'], { cwd: sources('go') });
      const onLine = async (line: string): Promise<string | undefined> => {
        if (line !== 'kill') return undefined;
        await restart();
        return 'restarted';
      };
      const guarded = await startServerProcess({ env: { ROLLBOOK_ACL: 'true', ROLLBOOK_DEV_NODES: '0' } });
      const addresses = { ...env, ROLLBOOK_ACL_ADDR: guarded.url };
      try {
        good = built && existsSync(binary) && (await succeeds(binary, [], { env: addresses }, onLine)) && good;
      } finally {
        await guarded.stop();
      }
    }
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
  print(good ? 'the clients found nothing' : 'FAILED');
  return good ? 0 : 1;
}

void main().then((code) => {
  process.exitCode = code;
});
