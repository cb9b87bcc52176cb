import { parseArgs } from 'node:util';
import { simulate } from './simulation.js';

/** `npm run simulate -- --nodes 1000 --allocs 100000 --seed 7 --hours 4 --every 30`: somebody does something, or something breaks, every 30 seconds or so. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '1000' },
      allocs: { type: 'string', default: '100000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      hours: { type: 'string', default: '4' },
      every: { type: 'string', default: '30' },
    },
  });
  const whole = (name: keyof typeof values): number => {
    const number = Number(values[name]);
    if (!(number > 0) && !(name === 'seed' && number === 0))
      throw new Error(`--${name} must be a positive number, not ${JSON.stringify(values[name])}`);
    return number;
  };
  const options = {
    nodes: whole('nodes'),
    allocs: whole('allocs'),
    seed: whole('seed'),
    hours: whole('hours'),
    everyMs: whole('every') * 1000,
  };
  const said = (text: string): boolean => process.stdout.write(`${text}\n`);
  said(
    `seed ${options.seed}: ${options.allocs} allocations on ${options.nodes} nodes, ${options.hours} virtual hours of trouble`,
  );
  const report = await simulate(options);
  const perSecond = Math.round(report.events / report.seconds).toLocaleString('en');
  said(
    `${report.virtualHours.toFixed(2)} virtual hours in ${report.seconds.toFixed(1)} s: ${report.commits} commits, ${report.events} events, ${perSecond} events/s`,
  );
  said(
    `${report.placed} allocations placed; ${Object.entries(report.deployments)
      .map(([type, count]) => `${count} × ${type}`)
      .join(', ')}`,
  );
  said('every invariant held, and everything came to rest');
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
