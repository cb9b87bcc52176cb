export { AnswerCache, type Answer, type KeptQuery, type Query } from './answer-cache.js';
export { Chunks, type Body } from './chunks.js';
export { KeptLists } from './lists/kept-lists.js';
export type { ListAt, ListSource, Select } from './lists/kept-list.js';
export type { KeptTable } from './lists/table-changes.js';
export { blockingQuery, MAX_WAIT_MS, type BlockingOptions } from './blocking-query.js';
export { NodeNews } from './node-news.js';
export { Replica, type AgedAnswer, type ReplicaConnection, type SideReader } from './replica/replica.js';
export { ofTheSide, type ReadSide } from './replica/read-side.js';
export { StreamFolder, type Folded } from './stream-folder.js';
export { EventFeed, EventReader } from './events/event-feed.js';
export { isWanted, type EventFilter } from './events/event-filter.js';
export { farewell, frameOf, heartbeat, metaOf } from './events/frames.js';
export type { EventCommit, NomadEvent } from './events/nomad-event.js';
export { TOPIC_NAMES } from './events/topics.js';
export {
  commitsOf,
  LogNotFollowed,
  LogTail,
  type LogCommit,
  type LogTailOptions,
  type Moment,
  type Topic,
} from './log-tail.js';
