import type { NewEvent } from './event.js';

/** Why a command is refused: a code for the edge's table of texts, and what the text needs. */
export interface Rejection {
  readonly code: string;
  readonly detail?: string;
}

/** The outcome of a pure decision. `answer` is handed to the caller once the events are durable. */
export type Decision<A = undefined> =
  | { readonly kind: 'accepted'; readonly events: readonly NewEvent[]; readonly answer: A }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** Accepts a command. With no events nothing is appended and the answer is given at once. */
export function accept(events: readonly NewEvent[]): Decision;
export function accept<A>(events: readonly NewEvent[], answer: A): Decision<A>;
export function accept(events: readonly NewEvent[], answer?: unknown): Decision<unknown> {
  return { kind: 'accepted', events, answer };
}

/** Refuses a command: an ordinary answer with an exact wording, not an exception. */
export const reject = (code: string, detail?: string): Decision<never> => ({
  kind: 'rejected',
  rejection: detail === undefined ? { code } : { code, detail },
});
