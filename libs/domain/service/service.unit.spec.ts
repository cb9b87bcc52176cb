import { servicesStream, type CommandContext, type StateView } from '@app/kernel';
import {
  event,
  given,
  jobSpec,
  NODE,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  report,
  reported,
} from '@app/testing';
import { reportAllocations } from '../allocation/decide.js';
import { deregisterJob } from '../job/decide.js';
import type { JobSpec } from '../nomad.js';
import { deregisterService, registerServices } from './decide.js';
import type { AllocationServices, OfferedService } from './state.js';

const ALLOC = '00000000-0000-4000-8000-0000000000a1';
const OTHER = '00000000-0000-4000-8000-0000000000a2';
const STREAM = servicesStream(ALLOC);
const WEB: OfferedService = {
  id: `_nomad-task-${ALLOC}-group-app-web-http`,
  name: 'web',
  tags: ['a'],
  address: '10.0.0.1',
  port: 20000,
};

/** A job whose group offers a service. */
function offering(): JobSpec {
  const spec = jobSpec({ id: 'web' });
  const service = { Name: 'web', Provider: 'nomad', PortLabel: 'http' } as never;
  return { ...spec, TaskGroups: spec.TaskGroups.map((group) => ({ ...group, Services: [service] })) };
}

type Story = ReturnType<typeof given>;
const openEvaluation = ({ world }: Story): string =>
  world
    .streams()
    .findLast((stream) => stream.startsWith('evaluation/'))!
    .slice('evaluation/'.length);

function placed(spec = offering()): Story {
  const story = given(nodeRegistered(), nodeIsReady(), registered(spec));
  return story.and(planned({ evaluation: openEvaluation(story), place: [{ id: ALLOC }] }));
}
const told =
  (services: readonly OfferedService[] | undefined, clientStatus: 'running' | 'complete' | 'failed' = 'running') =>
  (view: StateView, context: CommandContext) =>
    reportAllocations(view, context, {
      nodeId: NODE,
      reports: [{ ...report(ALLOC, { clientStatus }), ...(services && { services }) }],
    });
const servicesOf = (story: Story) => story.state<AllocationServices>(STREAM).services;

describe('services of an allocation', () => {
  test('are registered with the report that it runs, in the same commit', () => {
    placed()
      .when(told([WEB]))
      .thenAmongOthers(event(STREAM, 'ServicesRegistered', { services: [WEB] }))
      .thenState(STREAM, { allocationId: ALLOC, jobId: 'web', namespace: 'default', nodeId: NODE });
  });

  test('are left alone by a report that says nothing of them, and append nothing when they are the same', () => {
    const story = placed().and(told([WEB]));
    expect(story.when(told(undefined)).types('services/')).toEqual([]);
    expect(story.when(told([WEB])).types('services/')).toEqual([]);
  });

  test('keep their CreateIndex when a tag changes', () => {
    const story = placed().and(told([WEB]));
    const [before] = servicesOf(story);
    story.and(told([{ ...WEB, tags: ['b'] }]));
    const [after] = servicesOf(story);
    expect(after).toMatchObject({ tags: ['b'], createIndex: before!.createIndex });
    expect(after!.modifyIndex).toBeGreaterThan(before!.modifyIndex);
  });

  test('go when they are no longer on offer', () => {
    const story = placed().and(told([WEB]));
    story.when(told([])).thenAmongOthers(event(STREAM, 'ServicesDeregistered', { ids: [WEB.id], cause: 'client' }));
  });

  test('go with the report that it has ended, though that says nothing of them', () => {
    const story = placed().and(told([WEB]));
    story
      .when(told(undefined, 'failed'))
      .thenAmongOthers(event(STREAM, 'ServicesDeregistered', { ids: [WEB.id], cause: 'ended' }));
  });

  test('go with the plan that calls it lost', () => {
    const story = placed().and(told([WEB]), registered({ ...offering(), Priority: 60 }));
    const description = 'alloc is lost since its node is down';
    story
      .when(
        planned({
          evaluation: openEvaluation(story),
          stop: [{ allocationId: ALLOC, description, clientStatus: 'lost' }],
        }),
      )
      .thenAmongOthers(event(STREAM, 'ServicesDeregistered', { ids: [WEB.id], cause: 'ended' }));
  });

  test('go with a purge of the job', () => {
    const story = placed().and(told([WEB]));
    story
      .when((view, context) =>
        deregisterJob(view, context, {
          namespace: 'default',
          jobId: 'web',
          purge: true,
          evalPriority: 0,
          noShutdownDelay: false,
          allocationIds: [ALLOC],
          deploymentIds: [],
          evaluationIds: [],
        }),
      )
      .thenAmongOthers(event(STREAM, 'ServicesDeregistered', { ids: [WEB.id], cause: 'ended' }));
  });

  test('are not taken for an allocation that has ended, from another node, or under the name of another allocation', () => {
    const ended = placed().and(told(undefined, 'complete'));
    expect(ended.when(told([WEB], 'complete')).types('services/')).toEqual([]);
    const foreign = { ...WEB, id: `_nomad-task-${OTHER}-group-app-web-http` };
    expect(
      placed()
        .when(told([foreign]))
        .types('services/'),
    ).toEqual([]);
    placed()
      .when((view, context) =>
        registerServices(view, context, { nodeId: 'unknown', offers: [{ allocationId: ALLOC, services: [WEB] }] }),
      )
      .thenRejected('node-not-found');
  });

  test('registered one by one leave the others where they are', () => {
    const side = { ...WEB, id: `_nomad-task-${ALLOC}-server-side-http`, name: 'side' };
    const upsert = (service: OfferedService) => (view: StateView, context: CommandContext) =>
      registerServices(view, context, { nodeId: NODE, offers: [{ allocationId: ALLOC, services: [service] }] });
    const story = placed().and(upsert(WEB)).and(upsert(side));
    expect(servicesOf(story).map(({ name }) => name)).toEqual(['web', 'side']);
  });

  test('are deleted by their id in their namespace', () => {
    const story = placed().and(told([WEB]));
    const remove = (id: string, namespace: string) => (view: StateView, context: CommandContext) =>
      deregisterService(view, context, { id, namespace, cause: 'operator' });
    story.when(remove(WEB.id, 'other')).thenRejected('service-not-found');
    story.when(remove('nope', 'default')).thenRejected('service-not-found');
    story.when(remove(WEB.id, 'default')).thenAppended(event(STREAM, 'ServicesDeregistered', { cause: 'operator' }));
  });

  test('are not looked for at the end of an allocation whose job has none', () => {
    const story = placed(jobSpec({ id: 'web' }));
    const looked: string[] = [];
    story.when((view, context) => {
      const watched: StateView = {
        read: (stream) => {
          looked.push(stream);
          return view.read(stream);
        },
      };
      return reported([report(ALLOC, { clientStatus: 'failed' })])(watched, context);
    });
    expect(looked).toContain(`allocation/${ALLOC}`);
    expect(looked).not.toContain(STREAM);
  });
});
