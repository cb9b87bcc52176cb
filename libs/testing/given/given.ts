import type { AggregateState } from '@app/domain';
import type { Decision, DomainEvent, NewEvent, StreamName, TimeUs } from '@app/kernel';
import { World, type Decide } from './world.js';

/** What has happened before: one event, the events of one commit, or a command that is to be accepted. */
export type Step = NewEvent | readonly NewEvent[] | Decide;

/** An event on a stream. In expectations `data` may be a part of what is to be there, or be left out. */
export const event = (stream: StreamName, type: string, data: object = {}): NewEvent => ({
  stream,
  event: { type, data } satisfies DomainEvent,
});

/** A past to decide on. */
export interface Given {
  /** And then this happened. */
  and(...steps: readonly Step[]): Given;
  /** Lets time pass. */
  later(us: TimeUs): Given;
  /** The command that the test is about. */
  when<A>(decide: Decide<A>): Outcome<A>;
  /** The state of a stream after all that was given. */
  state<S extends AggregateState>(stream: StreamName): S;
  readonly world: World;
}

/** What came of the command; every `then…` fails the test unless it is so. */
export interface Outcome<A> {
  /** Exactly these events, in this order; of their data, as much as is named. */
  thenAppended(...events: readonly NewEvent[]): Outcome<A>;
  /** Among others, these events. */
  thenAmongOthers(...events: readonly NewEvent[]): Outcome<A>;
  /** Nothing that would have to be written. */
  thenNothing(): Outcome<A>;
  thenAnswered(answer: A): Outcome<A>;
  thenRejected(code: string, detail?: string): void;
  /** The state of a stream once the events are appended: as much of it as is named. */
  thenState(stream: StreamName, state: object): Outcome<A>;
  /** The types of the events on streams of one kind. */
  types(kind?: string): string[];
  /** Goes on from there. */
  readonly after: Given;
  readonly decision: Decision<A>;
}

/**
 * Starts a story: `given(registered, placed).when(pause).thenAppended(event(deployment, 'DeploymentPaused'))`. Every step is one commit, one second after the
 * one before.
 */
export function given(...steps: readonly Step[]): Given {
  const world = new World();
  const story: Given = {
    world,
    and(...more) {
      for (const step of more) take(world, step);
      return story;
    },
    later(us) {
      world.now += us;
      return story;
    },
    when: (decide) => outcomeOf(story, decide),
    state<S extends AggregateState>(stream: StreamName): S {
      const state = world.read<S>(stream);
      if (state === undefined) throw new Error(`nothing has happened to ${stream}`);
      return state;
    },
  };
  return story.and(...steps);
}

function take(world: World, step: Step): void {
  if (typeof step !== 'function') {
    world.commit('stream' in step ? [step] : step);
    return;
  }
  const decision = world.run(step);
  if (decision.kind === 'rejected')
    throw new Error(`a given command was rejected: ${JSON.stringify(decision.rejection)}`);
}

function outcomeOf<A>(story: Given, decide: Decide<A>): Outcome<A> {
  const decision = story.world.decide(decide);
  const events = decision.kind === 'accepted' ? decision.events : [];
  let isCommitted = false;
  const after = (): Given => {
    if (!isCommitted) story.world.commit(accepted(decision).events);
    isCommitted = true;
    return story;
  };
  const outcome: Outcome<A> = {
    decision,
    thenAppended(...expected) {
      accepted(decision);
      expect(events.map(nameOf)).toEqual(expected.map(nameOf));
      expect(events).toMatchObject(expected);
      return outcome;
    },
    thenAmongOthers(...expected) {
      accepted(decision);
      for (const one of expected) expect(events).toContainEqual(expect.objectContaining(matching(one)));
      return outcome;
    },
    thenNothing() {
      expect(accepted(decision).events).toEqual([]);
      return outcome;
    },
    thenAnswered(answer) {
      expect(accepted(decision).answer).toEqual(answer);
      return outcome;
    },
    thenRejected(code, detail) {
      expect(decision).toEqual({ kind: 'rejected', rejection: detail === undefined ? { code } : { code, detail } });
    },
    thenState(stream, state) {
      expect(after().state(stream)).toMatchObject(state);
      return outcome;
    },
    types: (kind = '') => events.filter(({ stream }) => stream.startsWith(kind)).map((one) => one.event.type),
    get after() {
      return after();
    },
  };
  return outcome;
}

const nameOf = ({ stream, event: { type } }: NewEvent): string => `${type} on ${stream}`;

const matching = ({ stream, event: { type, data } }: NewEvent): object => ({
  stream,
  event: { type, data: expect.objectContaining(data) as object },
});

function accepted<A>(decision: Decision<A>): Extract<Decision<A>, { kind: 'accepted' }> {
  if (decision.kind === 'rejected') throw new Error(`rejected: ${JSON.stringify(decision.rejection)}`);
  return decision;
}
