export {
  NotARollbookEvent,
  readEvent,
  type KafkaRecord,
  type NomadObject,
  type Payload,
  type Place,
  type RollbookEvent,
} from './event.js';
export { comesAfter, EventTracker, judge, type Applied, type TrackerState, type Verdict } from './event-tracker.js';
