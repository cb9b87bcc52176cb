export { nextMatch, parseCron, type CronExpression } from './expression.js';
export { isCronSyntaxError } from './fields.js';
export { zoneOf, type Zone } from './zone.js';
