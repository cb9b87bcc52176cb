import { run as append } from './append.bench.js';

/** `npm run bench -- <name>`. */
const benchmarks: Readonly<Record<string, () => Promise<void>>> = { append };

const name = process.argv[2] ?? '';
const benchmark = benchmarks[name];
if (benchmark === undefined) {
  process.stderr.write(`There is no benchmark "${name}"; there are: ${Object.keys(benchmarks).join(', ')}.\n`);
  process.exitCode = 2;
} else {
  void benchmark();
}
