import { renderAllocationStub, type AllocationState } from '@app/domain';
import type { ListSource } from '@app/streaming';
import { idOf, NODE } from '@app/testing';

const list = (name: string, query: Partial<ListSource['query']>, more: Partial<ListSource> = {}): ListSource => ({
  key: name,
  query: { table: 'allocation', where: {}, order: 'created', ...query },
  needsStates: false,
  ...more,
});

/** Lists of every kind. */
export const SOURCES: readonly ListSource[] = [
  list('allocations', {}),
  list('allocations, newest first', { reverse: true }),
  list('allocations of a job', { where: { namespace: 'default', job_id: 'web' }, order: 'key' }),
  list('allocations that run', { where: { client_status: 'running' } }),
  list('allocations with a prefix', { prefix: { column: 'id', value: '3' }, order: 'key' }),
  list('allocations of a node', { where: { node_id: NODE } }),
  list('allocations of nobody', { where: { node_id: idOf(1) } }),
  list(
    'allocations shown otherwise',
    {},
    {
      show: (state) =>
        JSON.stringify(renderAllocationStub(state as AllocationState, { resources: true, taskStates: false })),
      needsStates: true,
    },
  ),
  list(
    'allocations that a filter leaves',
    {},
    {
      select:
        () =>
        ({ document }) =>
          Promise.resolve(document.includes('"ClientStatus":"running"')),
    },
  ),
  list(
    'allocations by their state',
    {},
    {
      select:
        () =>
        ({ state }) =>
          (state as AllocationState).desiredStatus === 'run',
      needsStates: true,
    },
  ),
  list('deployments', { table: 'deployment' }),
  list('deployments that run', { table: 'deployment', where: { status: 'running' } }),
  list('evaluations that team sees', { table: 'evaluation', sees: (namespace) => namespace === 'team' }),
  list('evaluations that default sees', {
    table: 'evaluation',
    sees: (namespace) => namespace === 'default',
    reverse: true,
  }),
  list('evaluations of a namespace', { table: 'evaluation', where: { namespace: 'team' } }),
  list('evaluations of two', { table: 'evaluation', where: { namespace: ['team', 'default'], job_id: 'api' } }),
  list('nodes', { table: 'node', order: 'key' }),
];
