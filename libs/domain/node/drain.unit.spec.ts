import { nodeStream, US_PER_S } from '@app/kernel';
import { event, given, NODE, nodeIsReady, nodeRegistered } from '@app/testing';
import { completeDrain, drainNode, setEligibility, type DrainNode, type NodeState } from '@app/domain';

const ON = nodeStream(NODE);
const drain =
  (change: Partial<DrainNode> = {}) =>
  (...[view, context]: [Parameters<typeof drainNode>[0], Parameters<typeof drainNode>[1]]) =>
    drainNode(view, context, {
      nodeId: NODE,
      spec: { deadline: 60e9, ignoreSystemJobs: false },
      markEligible: false,
      meta: null,
      accessorId: 'someone',
      affected: [],
      ...change,
    });
const ready = () => given(nodeRegistered(), nodeIsReady());

describe('draining a node', () => {
  it('makes it ineligible, with a deadline from now on', () => {
    const story = ready().when(drain({ meta: { reason: 'repair' } })).after;
    const node = story.state<NodeState>(ON);
    expect(node).toMatchObject({
      eligibility: 'ineligible',
      lastDrain: { status: 'draining', meta: { reason: 'repair' }, accessorId: 'someone' },
    });
    expect(node.drain!.forceDeadline - node.drain!.startedAt).toBe(60 * US_PER_S);
    expect(node.events.at(-1)).toMatchObject({ message: 'Node drain strategy set', subsystem: 'Drain' });
  });

  it('keeps its start when it is changed', () => {
    const story = ready().and(drain());
    const { startedAt } = story.state<NodeState>(ON).drain!;
    const changed = story.and(drain({ spec: { deadline: -1, ignoreSystemJobs: true } })).state<NodeState>(ON);
    expect(changed.drain).toEqual({ deadline: -1, ignoreSystemJobs: true, forceDeadline: 0, startedAt });
    expect(changed.events.at(-1)?.message).toBe('Node drain strategy updated');
  });

  it('can be called off, and makes the node eligible again only if that is asked for', () => {
    const off = ready()
      .and(drain(), drain({ spec: null }))
      .state<NodeState>(ON);
    expect(off).toMatchObject({ drain: null, eligibility: 'ineligible', lastDrain: { status: 'canceled' } });
    const job = { namespace: 'default', jobId: 'web' };
    const on = ready()
      .and(drain())
      .when(drain({ spec: null, markEligible: true, affected: [job] }));
    expect(on.types('evaluation')).toEqual(['EvaluationCreated']);
    expect(on.after.state<NodeState>(ON).eligibility).toBe('eligible');
  });

  it('refuses to make it eligible meanwhile', () => {
    ready()
      .and(drain())
      .when((view, context) => setEligibility(view, context, { nodeId: NODE, eligibility: 'eligible', affected: [] }))
      .thenRejected('node-is-draining');
  });

  it('is complete when the drainer says so: the node stays ineligible', () => {
    const story = ready().and(drain());
    const { drain: running } = story.state<NodeState>(ON);
    story
      .when((view, context) => completeDrain(view, context, { nodeId: NODE, drain: running!, deadlineReached: true }))
      .thenAppended(
        event(ON, 'NodeDrainChanged', {
          note: { message: 'Node drain complete', subsystem: 'Drain', details: { deadline_reached: 'true' } },
        }),
      )
      .thenState(ON, { drain: null, eligibility: 'ineligible', lastDrain: { status: 'complete' } });
  });

  it('is not completed by a look at a drain that was changed since', () => {
    const story = ready().and(drain());
    const { drain: looked } = story.state<NodeState>(ON);
    story.and(drain({ spec: { deadline: 0, ignoreSystemJobs: false } }));
    story
      .when((view, context) => completeDrain(view, context, { nodeId: NODE, drain: looked!, deadlineReached: false }))
      .thenNothing();
  });

  it('is refused for a node that is not there', () => {
    given().when(drain()).thenRejected('node-not-found-write');
  });
});
