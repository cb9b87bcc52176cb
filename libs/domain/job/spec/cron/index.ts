export { nextMatch, parseCron, type CronExpression } from './expression.js';
export { CronSyntaxError } from './fields.js';
export { zoneOf, type Zone } from './zone.js';
