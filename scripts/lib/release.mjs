// What a release changes in the repository, as texts: `release.mjs` reads, writes, commits and tags.
import { Failure } from './failure.mjs';

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/;
const UNRELEASED = '## Unreleased';

function parts(version) {
  const found = VERSION.exec(version);
  if (found === null) throw new Failure(`${JSON.stringify(version)} is no version: three numbers, such as 0.2.0.`);
  return found.slice(1).map(Number);
}

/** Whether a version comes after another one. */
export function isLater(version, than) {
  const [a, b] = [parts(version), parts(than)];
  const at = a.findIndex((number, i) => number !== b[i]);
  return at !== -1 && a[at] > b[at];
}

/** The changelog with what was unreleased under its version, and that part alone: the notes of the release. */
export function releasedChangelog(changelog, version, date) {
  const begin = changelog.indexOf(`\n${UNRELEASED}\n`);
  if (begin === -1) throw new Failure(`CHANGELOG.md has no part "${UNRELEASED}".`);
  const after = begin + UNRELEASED.length + 2;
  const next = changelog.indexOf('\n## ', after);
  const notes = changelog.slice(after, next === -1 ? undefined : next).trim();
  if (!notes.includes('\n- ') && !notes.startsWith('- '))
    throw new Failure(`CHANGELOG.md has nothing under "${UNRELEASED}": there is nothing to release.`);
  const rest = next === -1 ? '' : changelog.slice(next + 1);
  const text = `${changelog.slice(0, begin)}\n${UNRELEASED}\n\n## ${version} – ${date}\n\n${notes}\n${rest && `\n${rest}`}`;
  return { text, notes };
}

/** A package.json, or the beginning of its lock file, with another version. */
export function withVersion(json, version) {
  const parsed = JSON.parse(json);
  parsed.version = version;
  if (parsed.packages?.[''] !== undefined) parsed.packages[''].version = version;
  return `${JSON.stringify(parsed, undefined, 2)}\n`;
}

/** A Chart.yaml whose chart and product are of this version. */
export const chartWithVersion = (yaml, version) =>
  yaml.replace(/^version: .*$/m, `version: ${version}`).replace(/^appVersion: .*$/m, `appVersion: ${version}`);
