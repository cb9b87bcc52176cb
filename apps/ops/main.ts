import { runMain, StartupError } from '@app/platform';
import { Command, Option } from 'commander';
import { runAclToken, type TokenOptions } from './acl-commands.js';
import { runBackup, runNewEpoch, runRestore } from './backup.js';
import { runDemo } from './demo/demo.js';
import { runGenerate, type GenerateOptions } from './generate/generate.js';
import { HISTORY_TYPES, runHistory, type HistoryOptions } from './history.js';
import { runExport, runMigrate, runRebuild, runVerify, runVerifyChain } from './log-commands.js';
import { runRelayRewind } from './relay-commands.js';
import { runWatch } from './watch/watch.js';

const program = new Command('ops')
  .description(
    'Looks after the log and everything that is made of it. The database is the one of DATABASE_URL, or the embedded one of ROLLBOOK_DATA_DIR.',
  )
  .showHelpAfterError();

program.command('migrate').description('brings the database up to this release').action(runMigrate);
program
  .command('verify')
  .description('folds the whole log and compares it with every stored state and row; servers may be running')
  .option('--chain', 'follow the chain of hashes instead: whether anything was altered, removed or inserted')
  .addOption(
    new Option('--noted <index:hash>', 'with --chain: a hash that was noted elsewhere; may be given several times')
      .default(new Map<number, string>(), 'none')
      .argParser(notedHash),
  )
  .action(({ chain, noted }: { chain?: true; noted: ReadonlyMap<number, string> }) =>
    chain ? runVerifyChain(noted) : runVerify(),
  );
program
  .command('rebuild [tables...]')
  .description(
    'makes tables anew from the log and puts them in place of the present ones (all, if none is named); servers may be running',
  )
  .action((tables: string[]) => runRebuild(tables));
program
  .command('history [type] [id]')
  .description(
    `tells the story of one object, event by event (type: ${HISTORY_TYPES.join(', ')}; the beginning of an id will do), or of all of them`,
  )
  .addOption(new Option('--namespace <name>', 'namespace of a job').default('default'))
  .option('--related', 'with what belongs to the job or deployment, as one story')
  .option('--kind <kinds...>', 'only of these kinds of objects')
  .option('--event <types...>', 'only events of these types')
  .option('--actor <name>', 'only what this one did, as events name it')
  .option('--reason <words>', 'only with a reason that has these words, or the beginnings of them')
  .addOption(new Option('--after <index>', 'only commits after this index').default(0).argParser(indexOf))
  .addOption(
    new Option('--before <index>', 'only commits before this index')
      .default(Number.MAX_SAFE_INTEGER, 'none')
      .argParser(indexOf),
  )
  .addOption(new Option('--last <n>', 'no more than the last so many').argParser(countOf))
  .action((type: string | undefined, id: string | undefined, options: HistoryOptions) => runHistory(type, id, options));
program
  .command('export')
  .description('writes the log to the standard output, one event a line, as JSON')
  .addOption(new Option('--from <index>', 'first index').default(1).argParser(indexOf))
  .addOption(
    new Option('--to <index>', 'last index (default: the head)')
      .default(Number.MAX_SAFE_INTEGER, 'the head')
      .argParser(indexOf),
  )
  .action((range: { from: number; to: number }) => runExport(range));
program
  .command('backup')
  .description('writes the log into a directory, sealed by a manifest with hashes; servers may be running')
  .requiredOption('--to <directory>', 'a new or empty one')
  .action(({ to }: { to: string }) => runBackup(to));
program
  .command('restore')
  .description('fills an empty database from a backup, under a new epoch, and makes all tables anew')
  .requiredOption('--from <directory>', 'what `ops backup` wrote')
  .action(({ from }: { from: string }) => runRestore(from));
program
  .command('new-epoch')
  .description(
    'tells readers that another history begins: after another tool brought the database back, before the first server starts',
  )
  .action(runNewEpoch);
program
  .command('relay')
  .description('looks after what is published to Kafka')
  .command('rewind')
  .description('publishes the log once more from an index on; consumers see a new generation')
  .addOption(new Option('--to <index>', 'first index to be published again').makeOptionMandatory().argParser(indexOf))
  .action((options: { to: number }) => runRelayRewind(options));
program
  .command('watch <job>')
  .description(
    'shows a rollout as it goes on: how far, for what it waits, what happens if nobody acts; keys promote, pause and fail it with a reason. Ends with the rollout: 0 if it is successful, 1 if not',
  )
  .addOption(new Option('--namespace <name>', 'namespace of the job').default('default'))
  .action(async (job: string, { namespace }: { namespace: string }) => {
    // A question that is waiting for its answer is left with whoever leaves.
    process.exit(await runWatch(job, namespace));
  });
program
  .command('acl')
  .description('helps when all tokens of access control are lost')
  .command('token')
  .description('makes a management token for a day, and tells its secret; servers may be running')
  .option('--name <name>', 'what it is called')
  .option('--reason <text>', 'why, for those who read the log')
  .action((options: TokenOptions) => runAclToken(options));
program
  .command('generate')
  .description(
    'writes a history of rollouts into an empty ledger, the same for the same seed; no server may be running',
  )
  .addOption(new Option('--allocs <n>', 'allocations').default(10_000).argParser(countOf))
  .addOption(new Option('--deployments <n>', 'deployments').default(200).argParser(countOf))
  .addOption(new Option('--jobs <n>', 'jobs').default(50).argParser(countOf))
  .addOption(new Option('--nodes <n>', 'nodes').default(100).argParser(countOf))
  .addOption(new Option('--seed <n>', 'what is drawn at random follows from it').default(1).argParser(countOf))
  .addOption(
    new Option('--until <time>', 'when the history ends, after ninety days; RFC 3339')
      .default(new Date('2026-01-01T00:00:00Z'), '2026-01-01T00:00:00Z')
      .argParser(timeOf),
  )
  .option('--add', 'also into a ledger that is not empty: behind what it has')
  .action((options: GenerateOptions) => runGenerate(options));
program
  .command('demo')
  .description(
    'shows a rollout with a canary on the server of ROLLBOOK_ADDR, or of ROLLBOOK_HTTP_ADDR and ROLLBOOK_HTTP_PORT',
  )
  .action(runDemo);

function notedHash(text: string, before: ReadonlyMap<number, string>): ReadonlyMap<number, string> {
  const [, index, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (index === undefined || hash === undefined)
    throw new StartupError(`a noted hash is <index>:<64 hexadecimal digits>; ${JSON.stringify(text)} is not.`);
  return new Map([...before, [Number(index), hash]]);
}

function indexOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new StartupError(`an index is a whole number; ${JSON.stringify(text)} is not.`);
  return Number(text);
}

function countOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new StartupError(`${JSON.stringify(text)} is not a whole number up to 999999999.`);
  return Number(text);
}

function timeOf(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new StartupError(`${JSON.stringify(text)} is not a time.`);
  return time;
}

runMain(async () => {
  await program.parseAsync();
});
