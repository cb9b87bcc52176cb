export { KafkaSink } from './kafka/kafka-sink.js';
export {
  controlTopic,
  DEFAULT_KAFKA_SETTINGS,
  kafkaClient,
  topicName,
  transactionalId,
  type KafkaSettings,
} from './kafka/settings.js';
export {
  LATEST_TYPES,
  type LatestType,
  type Place,
  type Position,
  type RecordTopic,
  type RelayRecord,
} from './record.js';
export { Relay, type RelayMetrics, type RelayOptions, type RelayProgress } from './relay.js';
export { RELAY_LEASE, RelayLeader, type RelayLeaderOptions } from './relay-leader.js';
export { rewindRelay } from './rewind.js';
export type { Publication, RecordSink, SinkSession } from './sink.js';
