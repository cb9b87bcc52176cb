import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runMain, StartupError } from '@app/platform';
import { whyNoKafka } from '@app/testing';
import { Stack } from './stack.js';

const SERVERS = 3;
const FIRST_PORT = '4646';
const BALANCER_PORT = '4640';
const KAFKA_PORT = '9092';
const DIRECTORY = '.rollbook/stack';
const HIGHEST_PORT = 65_535;

const HELP = `npm run stack [-- options]

Three servers, two agents and a load balancer on one Postgres, with Kafka where there is Java 17 and Maven, as plain processes.
A member that dies is started again, and that is told here. Ctrl-C ends them all; data stay in the directory.

  --port <port>           port of the first server; the others have the next ones (${FIRST_PORT})
  --balancer-port <port>  port of the load balancer (${BALANCER_PORT})
  --kafka-port <port>     port of Kafka (${KAFKA_PORT})
  --directory <path>      data and logs (${DIRECTORY})
  --no-kafka              without Kafka
  --help                  this text

DATABASE_URL takes the place of the embedded Postgres, KAFKA_BROKERS of the Kafka.
`;

function readOptions() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: FIRST_PORT },
        'balancer-port': { type: 'string', default: BALANCER_PORT },
        'kafka-port': { type: 'string', default: KAFKA_PORT },
        directory: { type: 'string', default: DIRECTORY },
        'no-kafka': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new StartupError(`${(error as Error).message}\n\n${HELP}`, 2);
  }
}

function portOf(option: string, text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > HIGHEST_PORT)
    throw new StartupError(`${option} must be a port; ${JSON.stringify(text)} is none.`, 2);
  return Number(text);
}

/** @throws StartupError if another process has it */
async function requireFree(option: string, port: number): Promise<void> {
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    throw new StartupError(`port ${port} is taken by another process; stop it or choose another one with ${option}.`);
  }
  probe.close();
  await once(probe, 'close');
}

/** `npm run stack`. */
async function main(): Promise<void> {
  const values = readOptions();
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const given = process.env['DATABASE_URL'];
  const directory = resolve(values.directory);
  const firstPort = portOf('--port', values.port);
  const serverPorts = Array.from({ length: SERVERS }, (_, n) => firstPort + n);
  const balancerPort = portOf('--balancer-port', values['balancer-port']);
  const kafkaPort = portOf('--kafka-port', values['kafka-port']);
  const reason = values['no-kafka'] ? '--no-kafka' : whyNoKafka();
  for (const port of serverPorts) await requireFree('--port', port);
  await requireFree('--balancer-port', balancerPort);
  if (reason === undefined && !process.env['KAFKA_BROKERS']) await requireFree('--kafka-port', kafkaPort);
  let stack = undefined as Stack | undefined;
  let ending = false;
  const end = (): void => {
    // While it is still starting there is nothing to be done in order: Postgres ends with this process, the others when their channel closes.
    if (stack === undefined) process.exit(130);
    if (ending) return;
    ending = true;
    say('ending the stack …');
    void stack.stop().then(() => process.exit(0));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  process.once('disconnect', end);
  say('starting Postgres, three servers and two agents …');
  stack = await Stack.start({
    directory,
    servers: SERVERS,
    serverPorts,
    balancerPort,
    kafkaPort,
    keepKafka: true,
    keepTasks: true,
    databaseRevived: say,
    kafka: !values['no-kafka'],
    ...(given ? { databaseUrl: given } : {}),
  });
  stack.watch(say);
  const leader = await stack.leader();
  process.stdout.write(`
  The stack is ready.

  Load balancer  ${stack.balancer.url}
  Servers        ${stack.instances.map(({ url }) => url).join('  ')}
  Leader         ${leader?.name ?? 'not yet known'} (${stack.balancer.url}/v1/operator/rollbook/leases)
  Agents         ${stack.agents.map(({ name }) => name).join('  ')}
  Postgres       ${given ? 'the one of DATABASE_URL' : 'embedded; npm run ops finds it'}
  Kafka          ${stack.kafka === undefined ? `off (${reason})` : stack.kafka.brokers.join(',')}
  Logs, data     ${directory}

  Ctrl-C ends everything but tasks of raw_exec, which the agents of the next start find again.

`);
}

const say = (sentence: string): void => void process.stderr.write(`rollbook: ${sentence}\n`);

runMain(main);
