const { endRun } = require('./end-run.cjs');

module.exports = async () => {
  const { postgres, kafka } = await endRun(process.env.TEST_RUN_DIR);
  if (postgres) process.stderr.write(`\nPostgres of these tests: ${postgres}\n`);
  if (kafka) process.stderr.write(`${postgres ? '' : '\n'}Kafka of these tests: ${kafka}\n`);
};
