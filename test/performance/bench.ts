import { run as append } from './append.bench.js';
import { run as asof } from './asof.bench.js';
import { run as commands } from './commands.bench.js';
import { run as console } from './console.bench.js';
import { run as instances } from './instances.bench.js';
import { run as lists } from './lists.bench.js';
import { run as pauses } from './pauses.bench.js';
import { run as read } from './read.bench.js';
import { run as relay } from './relay.bench.js';
import { run as rpc } from './rpc.bench.js';
import { run as scale } from './scale.bench.js';
import { run as schedule } from './schedule.bench.js';
import { run as search } from './search.bench.js';
import { run as stream } from './stream.bench.js';
import { run as takeover } from './takeover.bench.js';
import { run as watch } from './watch.bench.js';

/** `npm run bench -- <name>`. */
const benchmarks: Readonly<Record<string, () => Promise<void>>> = {
  append,
  asof,
  commands,
  console,
  instances,
  lists,
  pauses,
  read,
  relay,
  rpc,
  scale,
  schedule,
  search,
  stream,
  takeover,
  watch,
};

const name = process.argv[2] ?? '';
const benchmark = benchmarks[name];
if (benchmark === undefined) {
  process.stderr.write(`There is no benchmark "${name}"; there are: ${Object.keys(benchmarks).join(', ')}.\n`);
  process.exitCode = 2;
} else {
  void benchmark();
}
