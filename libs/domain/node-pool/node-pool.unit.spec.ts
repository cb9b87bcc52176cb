import { nodePoolStream } from '@app/kernel';
import { event, given, idOf, nodeDescription, nodeRegistered, type Decide } from '@app/testing';
import { registerNode } from '../node/decide.js';
import { defineNodePool, deleteNodePool, type DefineNodePool } from './decide.js';

const GPU = nodePoolStream('gpu');
const defined =
  (name = 'gpu', more: Partial<DefineNodePool> = {}): Decide =>
  (view, context) =>
    defineNodePool(view, context, {
      name,
      definition: { description: '', meta: null, identityTtl: 1, hash: 'x' },
      descriptionBytes: 0,
      hasSchedulerConfiguration: false,
      ...more,
    });
const deleted =
  (name = 'gpu', hasJobs = false, hasNodes = false): Decide =>
  (view, context) =>
    deleteNodePool(view, context, { name, hasJobs, hasNodes, region: 'global' });
const nodeIn =
  (NodePool: string): Decide =>
  (view, context) =>
    registerNode(view, context, {
      description: { ...nodeDescription(idOf(9001)), NodePool },
      secretDigest: 'digest of its secret',
      computedClass: 'c',
      affected: [],
    });

describe('A node pool', () => {
  test('is replaced by each write, and keeps its create index', () => {
    given(defined()).when(defined()).thenState(GPU, { createIndex: 1, modifyIndex: 2, purged: false });
    given(defined(), deleted()).when(defined()).thenState(GPU, { createIndex: 3 });
  });

  test('of a bad name, or with settings of the scheduler, is refused', () => {
    given()
      .when(defined('a b', { descriptionBytes: 257, hasSchedulerConfiguration: true }))
      .thenRejected(
        'node-pool-invalid',
        'invalid node pool "a b": 2 errors occurred:\n\t* invalid name "a b", must match regex ^[a-zA-Z0-9-_]{1,128}$\n\t* description longer than 256\n\n',
      );
    given()
      .when(defined('gpu', { hasSchedulerConfiguration: true }))
      .thenRejected('node-pools-unlicensed');
  });

  test('that is built in is neither changed nor deleted', () => {
    given().when(defined('default')).thenRejected('node-pool-unmodifiable', 'default');
    given().when(deleted('all')).thenRejected('node-pool-undeletable', 'all');
    given().when(deleted('default')).thenRejected('node-pool-undeletable', 'default');
  });

  test('goes only when no job and no node is in it', () => {
    given().when(deleted()).thenRejected('node-pool-not-found', 'gpu');
    given().when(deleted('')).thenRejected('node-pool-name-empty');
    given(defined())
      .when(deleted('gpu', true, true))
      .thenRejected(
        'node-pool-in-use',
        '2 errors occurred:\n\t* node pool "gpu" has non-terminal jobs in regions: [global]\n\t* node pool "gpu" has nodes in regions: [global]\n\n',
      );
    given(defined()).when(deleted()).thenAppended(event(GPU, 'NodePoolDeleted'));
  });

  test('comes with the first node that names it', () => {
    given()
      .when(nodeIn('gpu'))
      .thenAmongOthers(event(GPU, 'NodePoolDefined', { name: 'gpu' }));
    expect(given(nodeIn('gpu')).when(nodeRegistered()).types('node-pool/')).toEqual([]);
    expect(given(defined()).when(nodeIn('gpu')).types('node-pool/')).toEqual([]);
    expect(given().when(nodeIn('no pool/at all')).types('node-pool/')).toEqual([]);
  });
});
