import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');

/** What the example keeps in its file, as far as tests look at it. */
export interface StoredTable {
  readonly events: number;
  readonly deployments: Readonly<Record<string, unknown>>;
}

/** `examples/consumer`, compiled and run as a process of its own. */
export class ConsumerExample {
  // Within the repository, so that packages are found.
  private readonly directory = mkdtempSync(join(ROOT, 'node_modules/.cache/rollbook-example-'));
  private readonly table = join(this.directory, 'table.json');

  constructor() {
    const swc = join(ROOT, 'node_modules/@swc/cli/bin/swc.js');
    const options = ['--extensions', '.ts', '--ignore', '**/*.spec.ts', '--quiet'];
    execFileSync(process.execPath, [swc, 'examples', 'libs/consumer', '-d', this.directory, ...options], {
      cwd: ROOT,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
  }

  /** Starts it on the table that it had before. */
  run(environment: Readonly<Record<string, string>>, ...args: string[]): ChildProcess {
    const entry = join(this.directory, 'examples/consumer/main.js');
    return spawn(process.execPath, [entry, '--file', this.table, ...args], {
      env: { ...process.env, NODE_OPTIONS: '', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  /** Undefined before it has read anything. */
  stored(): StoredTable | undefined {
    return existsSync(this.table) ? (JSON.parse(readFileSync(this.table, 'utf8')) as StoredTable) : undefined;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
