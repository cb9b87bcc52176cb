import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { whyNoKafka } from '@app/testing';
import { Stack } from './stack.js';

const SERVERS = 3;
const FIRST_PORT = '4646';
const BALANCER_PORT = '4640';
const DIRECTORY = '.rollbook/stack';

/**
 * `npm run stack [-- --port 4646 --balancer-port 4640 --directory .rollbook/stack --no-kafka]`: three servers, two agents and a load balancer on one
 * Postgres, as plain processes. Ctrl-C ends them all.
 */
async function main(): Promise<void> {
  const given = process.env['DATABASE_URL'];
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: FIRST_PORT },
      'balancer-port': { type: 'string', default: BALANCER_PORT },
      directory: { type: 'string', default: DIRECTORY },
      'no-kafka': { type: 'boolean', default: false },
    },
  });
  const directory = resolve(values.directory);
  const reason = values['no-kafka'] ? '--no-kafka' : whyNoKafka();
  let stack = undefined as Stack | undefined;
  let ending = false;
  const end = (): void => {
    // While it is still starting there is nothing to be done in order: Postgres ends with this process, the others when their channel closes.
    if (stack === undefined) process.exit(130);
    if (ending) return;
    ending = true;
    process.stderr.write('rollbook: ending the stack …\n');
    void stack.stop().then(() => process.exit(0));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  process.once('disconnect', end);
  process.stderr.write('rollbook: starting Postgres, three servers and two agents …\n');
  stack = await Stack.start({
    directory,
    servers: SERVERS,
    serverPorts: Array.from({ length: SERVERS }, (_, n) => Number(values.port) + n),
    balancerPort: Number(values['balancer-port']),
    kafka: !values['no-kafka'],
    ...(given ? { databaseUrl: given } : {}),
  });
  const leader = await stack.leader();
  process.stdout.write(`
  The stack is ready.

  Load balancer  ${stack.balancer.url}
  Servers        ${stack.instances.map(({ url }) => url).join('  ')}
  Leader         ${leader?.name ?? 'not yet known'} (${stack.balancer.url}/v1/operator/rollbook/leases)
  Agents         ${stack.agents.map(({ name }) => name).join('  ')}
  Postgres       ${given ? 'the one of DATABASE_URL' : 'embedded'}
  Kafka          ${stack.kafka === undefined ? `off (${reason})` : stack.kafka.brokers.join(',')}
  Logs, data     ${directory}

  Ctrl-C ends everything.

`);
}

main().catch((error: unknown) => {
  process.stderr.write(`rollbook: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
