import { resolve } from 'node:path';
import { whyNoKafka } from '@app/testing';
import { Stack } from './stack.js';

const SERVER_PORTS = [4646, 4647, 4648];
const BALANCER_PORT = 4640;

/** `npm run stack`: three servers, two agents and a load balancer on one Postgres, as plain processes. Ctrl-C ends them all. */
async function main(): Promise<void> {
  const given = process.env['DATABASE_URL'];
  const directory = resolve('.rollbook/stack');
  const wantsKafka = process.env['ROLLBOOK_STACK_KAFKA'] !== 'off';
  delete process.env['ROLLBOOK_STACK_KAFKA'];
  const reason = wantsKafka ? whyNoKafka() : 'ROLLBOOK_STACK_KAFKA is off';
  process.stderr.write('rollbook: starting Postgres, three servers and two agents …\n');
  const stack = await Stack.start({
    directory,
    serverPorts: SERVER_PORTS,
    balancerPort: BALANCER_PORT,
    kafka: wantsKafka,
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
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    process.stderr.write('rollbook: ending the stack …\n');
    void stack.stop().then(() => process.exit(0));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  process.once('disconnect', end);
}

main().catch((error: unknown) => {
  process.stderr.write(`rollbook: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
