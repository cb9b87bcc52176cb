import type { NodeDescription } from '@app/domain';
import type { ClientNode } from '@app/nomad-rpc';

/** What belongs to the server, or is secret: whatever a client says of it is not kept. */
const NOT_DESCRIBED = new Set([
  'SecretID',
  'ComputedClass',
  'DrainStrategy',
  'SchedulingEligibility',
  'Status',
  'StatusDescription',
  'StatusUpdatedAt',
  'IdentitySigningKeyID',
  'Events',
  'LastDrain',
  'LastMissedHeartbeatIndex',
  'LastAllocUpdateIndex',
  'CreateIndex',
  'ModifyIndex',
]);

/**
 * The description of a node as its client registers it: whole, fields of other versions included, as JSON. Go's maps have no order, so keys
 * are sorted: two registrations that say the same are the same text.
 */
export function nodeDescription(node: ClientNode): NodeDescription {
  const described = Object.entries(node).filter(([name]) => !NOT_DESCRIBED.has(name));
  const json = canonical(Object.fromEntries(described)) as NodeDescription & { ID: string };
  return {
    ...json,
    ID: node.ID.toLowerCase(),
    NodePool: node.NodePool || 'default',
    Attributes: json.Attributes ?? {},
    Drivers: json.Drivers ?? {},
  };
}

function canonical(value: unknown): unknown {
  if (typeof value === 'bigint') return JSON.rawJSON(String(value));
  // The HTTP API shows a slice of small numbers as such.
  if (Buffer.isBuffer(value)) return [...value];
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, one]) => [key, canonical(one)]));
}
