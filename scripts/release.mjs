// `npm run release -- 0.2.0`: puts the version into the repository, commits and tags it, and leaves notes and the bill of materials in dist/release.
// With --dry-run it only shows what it would do. Nothing is pushed or published: that is for whoever may.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Failure, main } from './lib/failure.mjs';
import { inRoot, root } from './lib/paths.mjs';
import { chartWithVersion, isLater, releasedChangelog, withVersion } from './lib/release.mjs';

const CHART = 'deploy/helm/rollbook/Chart.yaml';
const say = (line) => void process.stdout.write(`${line}\n`);

function run(command, args, { mayFail = false } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return stdout;
  if (mayFail) return undefined;
  throw new Failure(`${command} ${args.join(' ')} failed: ${(error?.message ?? stderr).trim()}`);
}
const git = (...args) => run('git', args);

/** The packages of the product itself in CycloneDX's form, by npm. */
const billOfMaterials = () =>
  run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only']);

await main(() => {
  const args = process.argv.slice(2);
  const isDry = args.includes('--dry-run');
  const [version, ...more] = args.filter((arg) => arg !== '--dry-run');
  if (version === undefined || more.length > 0)
    throw new Failure('say which version: npm run release -- 0.2.0, or with --dry-run behind it.', 2);
  const read = (name) => readFileSync(inRoot(name), 'utf8');
  const present = JSON.parse(read('package.json')).version;
  if (!isLater(version, present)) throw new Failure(`${version} does not come after ${present}.`, 2);
  const tag = `v${version}`;
  if (run('git', ['rev-parse', '--verify', '--quiet', `refs/tags/${tag}`], { mayFail: true }) !== undefined)
    throw new Failure(`there is a tag ${tag} already.`);
  if (!isDry && git('status', '--porcelain').trim() !== '')
    throw new Failure('there are changes that are not committed: a release is made of commits.');
  const date = new Date().toISOString().slice(0, 10);
  const { text, notes } = releasedChangelog(read('CHANGELOG.md'), version, date);
  const files = {
    'package.json': withVersion(read('package.json'), version),
    'package-lock.json': withVersion(read('package-lock.json'), version),
    [CHART]: chartWithVersion(read(CHART), version),
    'CHANGELOG.md': text,
  };
  if (isDry) {
    say(
      `${present} -> ${version}: ${Object.keys(files).join(', ')}; commit "Release ${version}", tag ${tag}\n\n${notes}`,
    );
    return 0;
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(inRoot(name), content);
  const directory = inRoot('dist/release');
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/notes-${version}.md`, `${notes}\n`);
  writeFileSync(`${directory}/rollbook-${version}.cdx.json`, billOfMaterials());
  git('add', '--', ...Object.keys(files));
  git('commit', '--quiet', '--message', `Release ${version}`);
  git('tag', '--annotate', tag, '--message', `Rollbook ${version}\n\n${notes}`, '--cleanup=verbatim');
  say(`Tagged ${tag}. In dist/release: notes and bill of materials.`);
  say(
    `The image: docker build --build-arg VERSION=${version} --build-arg REVISION=$(git rev-parse HEAD) --tag rollbook:${version} .`,
  );
  say('Nothing was pushed.');
  return 0;
});
