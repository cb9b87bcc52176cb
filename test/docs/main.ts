import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { getJson, until } from '../cluster/stack.js';
import { freePort, repository } from '../support/server-process.js';
import { commandsOf, programOf, type DocumentedCommand } from './commands.js';
import { Shell } from './shell.js';

const READY_BOUND_MS = 300_000;
const COMMAND_BOUND_MS = 180_000;
const STOP_BOUND_MS = 30_000;

/** Commands that are tests themselves: .ci/run has those of the first line. */
const ELSEWHERE = [
  /^npm test\b/,
  /^npm run (check|test:cluster|test:docs)\b/,
  /^npm run (test:rpc|test:alerts|test:clients|test:brokers|bench)\b/,
  /^npm run simulate -- --nodes 1000\b/,
];

/** Commands that name what only their reader has: a job of theirs, a moment of their past. */
const OF_THE_READER = [/<job>/, /[?&]as_of=/];

/** A long-running command of the documents, running. */
interface Running {
  readonly command: string;
  readonly child: ChildProcess;
  readonly output: () => string;
}

/**
 * `npm run test:docs [-- --install]`: clones the repository as it is committed, and runs every command of its documents there, in order. With
 * `--install` the packages are installed anew; otherwise they are those of this checkout. The last line counts.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { install: { type: 'boolean', default: false } } });
  const clone = mkdtempSync(join(tmpdir(), 'rollbook-docs-'));
  const reader = new Reader(clone, await freePorts());
  try {
    must('git', ['clone', '--quiet', repository(), clone]);
    // Links, not copies, where both are on one disk.
    if (!values.install && spawnSync('cp', ['-al', join(repository(), 'node_modules'), clone]).status !== 0)
      must('cp', ['-a', join(repository(), 'node_modules'), clone]);
    for (const file of documentsOf(clone)) {
      const commands = commandsOf(file, readFileSync(join(clone, file), 'utf8'));
      if (commands.length > 0) await reader.read(commands);
    }
  } finally {
    await reader.close();
    rmSync(clone, { recursive: true, force: true });
  }
  reader.summary();
}

/** The README first: what comes later is read by somebody who has done what it says. */
function documentsOf(clone: string): string[] {
  const docs = readdirSync(join(clone, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', 'examples/README.md', ...docs.toSorted().map((name) => `docs/${name}`)];
}

function must(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

const freePorts = async () => ({
  http: await freePort(),
  rpc: await freePort(),
  stack: await freePort(),
  balancer: await freePort(),
  kafka: await freePort(),
});

class Reader {
  private readonly counts = { passed: 0, failed: 0, skipped: 0 };
  private readonly reasons = new Map<string, number>();
  private server: Running | undefined;
  private serverSettings = '';
  private stack: Running | undefined;

  constructor(
    private readonly directory: string,
    private readonly ports: Awaited<ReturnType<typeof freePorts>>,
  ) {}

  private get env(): NodeJS.ProcessEnv {
    const { http, rpc, kafka } = this.ports;
    const ours = Object.entries(process.env).filter(
      ([name]) => !/^(npm_|ROLLBOOK_|NODE_OPTIONS|DATABASE_URL|KAFKA)/.test(name),
    );
    return {
      ...Object.fromEntries(ours),
      ROLLBOOK_HTTP_PORT: String(http),
      // As the README says; later documents go on with it.
      R: `http://127.0.0.1:${http}`,
      ROLLBOOK_RPC_PORT: String(rpc),
      ...(this.stack === undefined ? {} : { KAFKA_BROKERS: `127.0.0.1:${kafka}` }),
    };
  }

  /** One document in one shell. */
  async read(commands: readonly DocumentedCommand[]): Promise<void> {
    let shell = new Shell(this.directory, this.env);
    let hadStack = this.stack !== undefined;
    for (const command of commands) {
      const { file, line, text } = command;
      const begun = performance.now();
      const outcome = await this.run(command, shell).catch((error: unknown) => ({ failed: (error as Error).message }));
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      const where = `${file}:${line} ${text.replace(/\s+# .*$/, '')}`;
      if (outcome === undefined) {
        this.counts.passed++;
        process.stdout.write(`ok       ${where} (${seconds} s)\n`);
      } else if ('skipped' in outcome) {
        this.counts.skipped++;
        this.reasons.set(outcome.skipped, (this.reasons.get(outcome.skipped) ?? 0) + 1);
        process.stdout.write(`skipped  ${where}: ${outcome.skipped}\n`);
      } else {
        this.counts.failed++;
        process.stdout.write(`FAILED   ${where}\n${outcome.failed.trimEnd().replaceAll(/^/gm, '         ')}\n`);
      }
      if ((this.stack !== undefined) !== hadStack) {
        hadStack = !hadStack;
        shell.end();
        shell = new Shell(this.directory, this.env);
      }
    }
    shell.end();
    await this.endStack();
  }

  private async run(
    { text, server }: DocumentedCommand,
    shell: Shell,
  ): Promise<{ readonly skipped: string } | { readonly failed: string } | undefined> {
    const command = this.adapt(text);
    if (ELSEWHERE.some((pattern) => pattern.test(command))) return { skipped: 'a test by itself' };
    if (OF_THE_READER.some((pattern) => pattern.test(command))) return { skipped: 'it names what only its reader has' };
    if (command.startsWith('npm start')) return this.begin(server);
    if (/^npm run stack\b/.test(command)) return this.beginStack();
    const absent = await this.missing(command, shell);
    if (absent !== undefined) return { skipped: absent };
    if (server !== this.serverSettings || (this.server !== undefined && !isAlive(this.server)))
      await this.begin(server);
    const { code, output } = await shell.run(command, COMMAND_BOUND_MS);
    return code === 0 ? undefined : { failed: `exit code ${code}\n${output}` };
  }

  /** Ports are those of this run; what has no end by itself gets one; `<id>` is the deployment that the README makes. */
  private adapt(text: string): string {
    return text
      .replaceAll('127.0.0.1:4646', `127.0.0.1:${this.ports.http}`)
      .replaceAll(
        '<id>',
        '$(curl -s "http://127.0.0.1:$ROLLBOOK_HTTP_PORT/v1/deployments" | node -p "JSON.parse(require(\'fs\').readFileSync(0))[0].ID")',
      )
      .replace(/^npm run example:consumer -- \S+ \S+/, '$& --once');
  }

  private async missing(command: string, shell: Shell): Promise<string | undefined> {
    const program = programOf(command);
    if (program === undefined || program === '') return undefined;
    if (program === 'docker') {
      const { status } = spawnSync('docker', ['info'], { stdio: 'ignore' });
      return status === 0 ? 'containers are tried by hand' : 'there is no Docker that runs';
    }
    if (
      command.startsWith('npm run example:consumer') &&
      (this.stack === undefined || !this.stack.output().includes(`127.0.0.1:${this.ports.kafka}`))
    )
      return 'there is no Kafka: it takes Java 17 and Maven';
    if (/^\w+\(\)/.test(command)) return undefined;
    const { code } = await shell.run(`type ${program}`, COMMAND_BOUND_MS);
    return code === 0 ? undefined : `there is no ${program}`;
  }

  /** `npm start`, with the settings that the document says; what ran before ends in order. */
  private async begin(settings: string): Promise<undefined> {
    await end(this.server);
    const given = settings.split(' ').flatMap((pair) => {
      const [name, value] = pair.split('=');
      return name && value !== undefined ? [[name, value] as const] : [];
    });
    this.serverSettings = settings;
    this.server = this.launch('npm start', ['start'], Object.fromEntries(given));
    const url = `http://127.0.0.1:${this.ports.http}`;
    await until('the server and its node', READY_BOUND_MS, async () => {
      if (!isAlive(this.server!)) return true;
      if (settings.includes('ACL=true')) return (await fetch(`${url}/readyz`)).ok;
      return (await getJson<{ Status: string }[]>(`${url}/v1/nodes`)).some(({ Status }) => Status === 'ready');
    });
    if (!isAlive(this.server)) throw new Error(this.server.output());
    return undefined;
  }

  private async beginStack(): Promise<undefined> {
    const { stack, balancer, kafka } = this.ports;
    const options = ['--port', stack, '--balancer-port', balancer, '--kafka-port', kafka].map(String);
    const running = this.launch('npm run stack', ['run', 'stack', '--', ...options], {});
    await until('the stack', READY_BOUND_MS, async () => !isAlive(running) || running.output().includes('Ctrl-C ends'));
    if (!isAlive(running)) throw new Error(running.output());
    this.stack = running;
    const job = JSON.parse(readFileSync(join(this.directory, 'examples/demo.json'), 'utf8')) as object;
    await fetch(`http://127.0.0.1:${balancer}/v1/jobs`, { method: 'PUT', body: JSON.stringify(job) });
    return undefined;
  }

  private async endStack(): Promise<void> {
    await end(this.stack);
    this.stack = undefined;
  }

  private launch(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Running {
    let output = '';
    const child = spawn('npm', args, {
      cwd: this.directory,
      env: { ...this.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-20_000)));
    return { command, child, output: () => output };
  }

  async close(): Promise<void> {
    await this.endStack();
    await end(this.server);
  }

  summary(): void {
    const { passed, failed, skipped } = this.counts;
    for (const [reason, count] of this.reasons) process.stdout.write(`${count} skipped: ${reason}\n`);
    process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
    process.exitCode = failed > 0 ? 1 : 0;
  }
}

const isAlive = ({ child }: Running): boolean => child.exitCode === null && child.signalCode === null;

/** As Ctrl-C does: the whole group gets the signal. */
async function end(running: Running | undefined): Promise<void> {
  if (running === undefined || !isAlive(running)) return;
  const ended = once(running.child, 'exit');
  process.kill(-running.child.pid!, 'SIGINT');
  const timer = setTimeout(() => process.kill(-running.child.pid!, 'SIGKILL'), STOP_BOUND_MS);
  await ended;
  clearTimeout(timer);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
