export { eventTypes, sentenceOf, type EventData } from './sentences.js';
export { sentenceOfWait, type Sentence, type Wait } from './waits.js';
export { duration, many } from './words.js';
