import {
  currentVersion,
  renderAllocation,
  renderAllocationStub,
  renderJob,
  renderJobStub,
  type AllocationState,
  type JobState,
} from '@app/domain';
import { allocationStream, jobStream } from '@app/kernel';
import {
  allocationId,
  jobSpec,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  report,
  reported,
  World,
} from '@app/testing';
import { allocationType, compileFilter, jobType, type FilterType } from '../http/index.js';
import { ALLOCATION_FIELDS, JOB_FIELDS } from './document-fields.js';
import { readsOnly } from './list-endpoint.js';

const plain = (object: object): Record<string, unknown> =>
  JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
const expressionOf = (text: string, type: FilterType) => {
  const compiled = compileFilter(text, type);
  if (!compiled.ok) throw new Error(String(compiled.error));
  return compiled.value.expression;
};

describe('What a row shows as the complete object does', () => {
  const world = new World();
  beforeAll(() => {
    world.run(nodeRegistered());
    world.run(nodeIsReady());
    const answer = world.run(registered(jobSpec({ priority: 70 })));
    const evaluation = answer.kind === 'accepted' ? answer.answer.evalId : '';
    world.run(planned({ evaluation, place: [{ id: allocationId(1) }] }));
    world.run(reported([report(allocationId(1), { clientStatus: 'failed', clientDescription: 'Failed tasks' })]));
    world.run(
      planned({
        evaluation: world
          .streams()
          .findLast((stream) => stream.startsWith('evaluation/'))!
          .slice('evaluation/'.length),
        stop: [{ allocationId: allocationId(1), description: 'stopped', followupEvalId: allocationId(2) }],
      }),
    );
  });

  test('of allocations is equal in both, field by field', () => {
    const state = world.read<AllocationState>(allocationStream(allocationId(1)))!;
    const [row, object] = [plain(renderAllocationStub(state)), plain(renderAllocation(state))];
    for (const field of ALLOCATION_FIELDS) expect([field, row[field]]).toEqual([field, object[field] ?? '']);
    expect(row['DesiredDescription']).toBe('stopped');
  });

  test('of jobs is equal in both, field by field', () => {
    const version = currentVersion(world.read<JobState>(jobStream('default', 'web')))!;
    const [row, object] = [plain(renderJobStub(version)), plain(renderJob(version))];
    for (const field of JOB_FIELDS) expect([field, row[field]]).toEqual([field, object[field]]);
  });

  test.each([
    ['JobID == "web"', true],
    ['not (JobID == "web" and ClientStatus != "failed")', true],
    ['JobID == "web" or Metrics.NodesEvaluated == 1', false],
    ['TaskStates.main.Failed == true', false],
    ['any AllocStates as state { state.Value == "lost" }', false],
    ['AllocModifyIndex == 1', false],
  ])('%s is decided by the row alone: %s', (text, isDecided) => {
    expect(readsOnly(expressionOf(text, allocationType), ALLOCATION_FIELDS)).toBe(isDecided);
  });

  test('a field of jobs that is told otherwise in lists is not', () => {
    expect(readsOnly(expressionOf('Periodic.Enabled == true', jobType), JOB_FIELDS)).toBe(false);
    expect(readsOnly(expressionOf('Status == "dead"', jobType), JOB_FIELDS)).toBe(true);
  });
});
