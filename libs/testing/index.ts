export type { DatabaseTemplate, TestDatabase } from './postgres/test-database.js';
export { createTestDatabase } from './postgres/test-database.js';
