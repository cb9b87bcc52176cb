const { endRun } = require('./end-run.cjs');

module.exports = async () => {
  const postgres = await endRun(process.env.TEST_RUN_DIR);
  if (postgres) process.stderr.write(`\nPostgres of these tests: ${postgres}\n`);
};
