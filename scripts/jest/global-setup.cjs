const { mkdtempSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { endRun } = require('./end-run.cjs');

const prefix = 'rollbook-test-';

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Ends what runs that were killed have left. */
async function sweep() {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const directory = join(tmpdir(), name);
    let owner;
    try {
      owner = Number(readFileSync(join(directory, 'pid'), 'utf8'));
    } catch {
      continue;
    }
    if (!isAlive(owner)) await endRun(directory);
  }
}

/** Makes the run's directory; libs/testing starts a Postgres in it when a test first asks for one. */
module.exports = async () => {
  await sweep();
  const directory = mkdtempSync(join(tmpdir(), prefix));
  writeFileSync(join(directory, 'pid'), String(process.pid));
  process.env.TEST_RUN_DIR = directory;
};
