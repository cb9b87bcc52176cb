import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { startAgent, type ServerTls, type ServerTrust } from '@app/agent';
import { outliveFaults } from '@app/platform';
import { pino } from 'pino';

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
const EXIT_BAD_CONFIGURATION = 2;

interface Configuration {
  readonly serverAddress: string;
  readonly dataDir: string;
  readonly nodeName: string;
  readonly datacenter: string;
  readonly logLevel: string;
  readonly trust: ServerTrust;
}

/** Reads the environment. @throws Error with a sentence for whatever is wrong. */
function readConfiguration(env: NodeJS.ProcessEnv): Configuration {
  const value = (name: string, otherwise: string): string => env[name]?.trim() || otherwise;
  const serverAddress = value('ROLLBOOK_ADDR', 'http://127.0.0.1:4646');
  if (!URL.canParse(serverAddress) || !/^https?:$/.test(new URL(serverAddress).protocol)) {
    throw new Error(`ROLLBOOK_ADDR must be an http or https address, not ${JSON.stringify(serverAddress)}.`);
  }
  const logLevel = value('ROLLBOOK_LOG_LEVEL', 'info');
  if (!LEVELS.includes(logLevel)) throw new Error(`ROLLBOOK_LOG_LEVEL must be one of ${LEVELS.join(', ')}.`);
  return {
    serverAddress,
    dataDir: resolve(value('ROLLBOOK_DATA_DIR', '.rollbook/agent')),
    nodeName: value('ROLLBOOK_NODE_NAME', hostname()),
    datacenter: value('ROLLBOOK_DATACENTER', 'dc1'),
    logLevel,
    trust: { joinToken: env['ROLLBOOK_JOIN_TOKEN']?.split(',')[0]?.trim() || undefined, tls: tlsOf(env) },
  };
}

/** Certificates by the names that servers use for theirs: whose servers' must be signed by, and what the agent shows. */
function tlsOf(env: NodeJS.ProcessEnv): ServerTls {
  const file = (name: string): Buffer | undefined => {
    const path = env[name]?.trim();
    if (!path) return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}.`, { cause: error });
    }
  };
  const [ca, cert, key] = [file('ROLLBOOK_TLS_CA'), file('ROLLBOOK_TLS_CERT'), file('ROLLBOOK_TLS_KEY')];
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

async function main(): Promise<void> {
  const { logLevel, ...options } = readConfiguration(process.env);
  const log = pino({ level: logLevel });
  outliveFaults((err, kind) => log.error({ err, kind }, 'a fault that nobody caught'), process);
  const agent = await startAgent({ ...options, log });
  // Tasks go on without the agent, as Nomad's do: the next agent on this directory finds them again.
  const stop = (): void => void agent.stop({ tasks: 'leave' });
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // Whoever started it with a channel takes it along.
  process.once('disconnect', stop);
  process.channel?.unref();
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = EXIT_BAD_CONFIGURATION;
});
