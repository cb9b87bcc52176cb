export { DecodeError } from './decode-error.js';
export { goTime, goTimeOfUs } from './go-time.js';
export * from './schema.js';
export { ValueScanner } from './value-scanner.js';
