export { AUTH_METHOD, METHOD_CONFIG } from './builders/auth-methods.js';
export { jobOf, needs, task, taskGroup, updateStrategy } from './builders/blocks.js';
export {
  jobInput,
  jobSpec,
  METRICS,
  nodeDescription,
  RESOURCES,
  SECOND_NS,
  type SpecOptions,
} from './builders/specs.js';
export {
  allocationId,
  DEPLOYMENT,
  healthReported,
  NODE,
  nodeIsReady,
  nodeRegistered,
  planCommand,
  planned,
  registered,
  report,
  reported,
  type PlanOptions,
} from './given/commands.js';
export { event, given, type Given, type Outcome, type Step } from './given/given.js';
export { idOf, START, World, type Decide } from './given/world.js';
export type { DatabaseTemplate, TestDatabase } from './postgres/test-database.js';
export { createTestDatabase } from './postgres/test-database.js';
export { withClient } from './postgres/with-client.js';
export type { TestKafka } from './kafka/broker.js';
export {
  describeWithKafka,
  describeWithKafkaJars,
  startKafkaCluster,
  startSecuredKafka,
  startTestKafka,
  whyNoKafka,
  type SecuredKafka,
} from './kafka/test-kafka.js';
export { readHistory, type HistoryDigest } from './histories/history.js';
export { cpuMsOf } from './cpu.js';
export { anyName, HOSTILE_NAMES } from './hostile/hostile-names.js';
export { moves, play, STORY_JOBS, type Move } from './stories/random-story.js';
export { createMigratedDatabase, startInstance, until, type TestInstance } from './instance/instance.js';
