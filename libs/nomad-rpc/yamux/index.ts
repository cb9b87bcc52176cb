export { YamuxSession, type SessionOptions } from './session.js';
