/** @public consumers are programs of others */
export {
  NotARollbookEvent,
  readEvent,
  type KafkaRecord,
  type NomadObject,
  type Payload,
  type Place,
  type RollbookEvent,
} from './event.js';
/** @public consumers are programs of others */
export { ChainTracker, type ChainState, type ChainVerdict } from './chain-tracker.js';
/** @public consumers are programs of others */
export { comesAfter, EventTracker, judge, type Applied, type TrackerState, type Verdict } from './event-tracker.js';
export { calmKafkajs } from './calm-kafkajs.js';
