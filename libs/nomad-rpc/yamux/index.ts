export { YamuxSession, type SessionOptions } from './session.js';
export { YamuxStream } from './stream.js';
