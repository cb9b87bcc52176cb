import type { AllocationState, NodeState } from '@app/domain';
import { NO_TRANSITION } from '@app/domain';
import { allocation } from '../testing/allocations.js';
import { service } from '../testing/specs.js';
import { toyCluster } from '../testing/toy-cluster.js';
import type { Bucket } from './classify.js';
import { bucketOf } from './classify.js';

const MINUTE = 60_000_000_000;
const migrate = { ...NO_TRANSITION, Migrate: true };
const unknownSince = (time: number) => ({ stateChanges: [{ value: 'unknown' as const, time }] });
const canary = { deploymentStatus: { healthy: null, timestamp: 0, canary: true, modifyIndex: 0 } };

/** Where the table says an allocation goes, with this node (null: gone) and this disconnect block. */
function bucket(
  alloc: Partial<AllocationState>,
  node: Partial<NodeState> | null = {},
  lostAfter = 0,
  Replace = true,
): Bucket {
  const cluster = toyCluster({ nodes: 1 });
  if (node !== null) cluster.setNode('node-0', node);
  const Disconnect = { LostAfter: lostAfter, StopOnClientAfter: null, Replace, Reconcile: '' };
  const version = cluster.register(service({ Disconnect }));
  return bucketOf(allocation(alloc), {
    node: (id) => (node === null ? undefined : cluster.view.node(id)),
    versionOf: () => version,
    now: 1_000_000_000,
  });
}

const drain = { drain: { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 0 } };
const long = 3_600 * 1_000_000_000;

describe('the classification of spec/lifecycle §3.3', () => {
  it.each<[string, Bucket, Parameters<typeof bucket>]>([
    ['1: failed, and back from unknown', 'reconnecting', [{ clientStatus: 'failed', ...unknownSince(0) }]],
    [
      '2: stopped, not to be moved',
      'untainted',
      [{ desiredStatus: 'stop', desiredTransition: { ...migrate, MigrateDisablePlacement: true } }],
    ],
    ['3: stopped', 'ignore', [{ desiredStatus: 'stop' }]],
    [
      '4: an ended canary that was to migrate',
      'migrate',
      [{ clientStatus: 'complete', desiredTransition: migrate, ...canary }],
    ],
    ['5: ended', 'untainted', [{ clientStatus: 'failed' }]],
    ['6: unknown for too long', 'expiring', [{ clientStatus: 'unknown', ...unknownSince(0) }, {}, MINUTE]],
    [
      '7: stopped, failed, and back from unknown',
      'ignore',
      [{ desiredStatus: 'stop', clientStatus: 'failed', ...unknownSince(0) }],
    ],
    [
      '8: unknown on a disconnected node',
      'untainted',
      [{ clientStatus: 'unknown', ...unknownSince(0) }, { status: 'disconnected' }, long],
    ],
    ['9: pending on a disconnected node', 'lost', [{ clientStatus: 'pending' }, { status: 'disconnected' }, MINUTE]],
    ['10: disconnected without patience', 'lost', [{}, { status: 'disconnected' }, 0]],
    ['11: disconnected', 'disconnecting', [{}, { status: 'disconnected' }, MINUTE]],
    ['12: to be migrated', 'migrate', [{ desiredTransition: migrate }]],
    ['13: back on a good node', 'reconnecting', [unknownSince(0), {}, MINUTE]],
    ['13: back on a draining node', 'reconnecting', [unknownSince(0), drain, MINUTE]],
    ['14: on a good node', 'untainted', [{}]],
    ['14: draining alone moves nothing', 'untainted', [{}, drain]],
    ['15: the node is gone', 'lost', [{}, null]],
    [
      '16: unknown on a node that is down, not to be replaced',
      'untainted',
      [{ clientStatus: 'unknown', ...unknownSince(0) }, { status: 'down' }, long, false],
    ],
    [
      '17: running on a node that is down, not to be replaced',
      'disconnecting',
      [{}, { status: 'down' }, MINUTE, false],
    ],
    ['18: the node is down', 'lost', [{}, { status: 'down' }]],
    ['otherwise: an initializing node with a drain', 'untainted', [{}, { ...drain, status: 'initializing' }]],
  ])('%s → %s', (_row, expected, args) => {
    expect(bucket(...args)).toBe(expected);
  });
});
