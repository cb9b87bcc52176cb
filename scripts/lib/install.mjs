import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Failure } from './failure.mjs';
import { inRoot, requireFreeSpace, root } from './paths.mjs';
import { platformProblem, thisMachine } from './platform.mjs';

const stampFile = inRoot('node_modules/.cache/rollbook-install');
const megabytesNeeded = 900;

/** What the lock file asks for on this machine, as a short text that changes when it does. */
export function installStamp() {
  const lock = readFileSync(inRoot('package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}`;
}

const readStamp = () => (existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : '');

/** Whether the packages were installed from this lock file by hand: npm leaves a lock file of what is there. */
function isInstalledByHand() {
  const hidden = inRoot('node_modules/.package-lock.json');
  if (!existsSync(hidden)) return false;
  const wanted = JSON.parse(readFileSync(inRoot('package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  const isAsWanted = ([path, entry]) =>
    path === '' ||
    (present[path] ? present[path].version === entry.version : entry.optional === true || entry.peer === true);
  return (
    existsSync(inRoot('node_modules/typescript')) &&
    Object.entries(wanted).every(isAsWanted) &&
    Object.keys(present).every((path) => path in wanted)
  );
}

function refuseUnsupportedPlatform() {
  const problem = platformProblem(thisMachine());
  if (problem !== undefined) throw new Failure(problem);
}

function npmCi() {
  requireFreeSpace(root, megabytesNeeded, 'installing the packages');
  process.stderr.write('rollbook: installing packages (npm ci), this takes a minute the first time …\n');
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js')
    ? [process.execPath, process.env.npm_execpath]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
  const [command, ...before] = [...npm, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // npm's output goes to stderr: stdout belongs to the command that was asked for.
  const { status, error } = spawnSync(command, before, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error) throw new Failure(`npm cannot be run (${error.message}).`);
  if (status !== 0) throw new Failure('installing the packages failed; npm says why above.');
}

export const isInstalled = () => readStamp() === installStamp();

/** Makes node_modules what package-lock.json says. To be called with the set-up lock held. */
export function install() {
  if (isInstalled()) return;
  refuseUnsupportedPlatform();
  if (!isInstalledByHand()) npmCi();
  mkdirSync(inRoot('node_modules/.cache'), { recursive: true });
  writeFileSync(stampFile, installStamp());
}
