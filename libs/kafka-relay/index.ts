export { kafkaSettings } from './kafka/given-settings.js';
export { KafkaSink } from './kafka/kafka-sink.js';
export {
  controlTopic,
  DEFAULT_KAFKA_SETTINGS,
  kafkaClient,
  topicName,
  transactionalId,
  type KafkaSettings,
} from './kafka/settings.js';
export type { LatestType, Place, Position, RecordTopic, RelayRecord } from './record.js';
export { Relay, type PublishedCommit, type RelayMetrics, type RelayOptions, type RelayProgress } from './relay.js';
export { RELAY_LEASE, RelayLeader, type RelayLeaderOptions } from './relay-leader.js';
export { rewindRelay } from './rewind.js';
export type { Publication, RecordSink, SinkSession } from './sink.js';
