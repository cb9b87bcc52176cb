import { assertNever, US_PER_S, type Fact } from '@app/kernel';
import type { NodeEventRecord, NodeMessage } from './events.js';
import type { NodeState } from './state.js';

/** So many events of a node are remembered in its state; the log has all. */
export const EVENTS_KEPT = 10;

/** The state of a node after one more event. */
export function evolveNode(state: NodeState | undefined, event: NodeEventRecord, fact: Fact): NodeState | undefined {
  if (event.type === 'NodeRegistered') {
    const registered: NodeState = {
      ...event.data,
      id: event.data.description.ID,
      status: 'initializing',
      statusDescription: '',
      statusUpdatedAt: Math.floor(fact.time / US_PER_S),
      eligibility: 'eligible',
      drain: null,
      lastDrain: null,
      events: [],
      lastMissedHeartbeatIndex: 0,
      lastAllocUpdateIndex: 0,
      createIndex: fact.index,
      modifyIndex: fact.index,
      purged: false,
    };
    return noted(registered, { message: 'Node registered', subsystem: 'Cluster', details: null }, fact);
  }
  if (state === undefined) return undefined;
  const touched = { ...state, modifyIndex: fact.index };
  const { type, data } = event;
  switch (type) {
    case 'NodeDescriptionChanged':
      return { ...touched, ...data };
    case 'NodeStatusChanged':
      return noted(
        {
          ...touched,
          status: data.status,
          statusUpdatedAt: Math.floor(fact.time / US_PER_S),
          lastMissedHeartbeatIndex: data.missedHeartbeat ? fact.index : state.lastMissedHeartbeatIndex,
        },
        data.note,
        fact,
      );
    case 'NodeEventsEmitted': {
      const emitted = data.events.map((one) => ({ ...one, createIndex: fact.index }));
      return { ...touched, events: [...state.events, ...emitted].slice(-EVENTS_KEPT) };
    }
    case 'NodeAllocationsRefreshed':
      return { ...touched, lastAllocUpdateIndex: fact.index };
    case 'NodeEligibilityChanged':
      return noted({ ...touched, eligibility: data.eligibility }, data.note, fact);
    case 'NodeDrainChanged': {
      const { note, ...changed } = data;
      return noted({ ...touched, ...changed }, note, fact);
    }
    case 'NodePurged':
      return { ...touched, purged: true };
  }
  return assertNever(type);
}

const noted = (state: NodeState, note: NodeMessage | null, fact: Fact): NodeState =>
  note === null
    ? state
    : {
        ...state,
        events: [...state.events, { ...note, timestamp: fact.time, createIndex: fact.index }].slice(-EVENTS_KEPT),
      };
