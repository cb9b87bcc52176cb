export { allowing, type IsAllowed } from './addresses.js';
export { Pings, type Pinged } from './ping.js';
export { WEBHOOK_LEASE, WebhookLeader } from './webhook-leader.js';
export type { WebhookMetrics } from './room.js';
