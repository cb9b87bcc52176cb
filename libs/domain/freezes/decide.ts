import {
  accept,
  FREEZE_OUTCOMES,
  FREEZES,
  isoFromUs,
  reject,
  type CommandContext,
  type Decision,
  type StateView,
} from '@app/kernel';
import type { FreezeEvent, FrozenChange } from './events.js';
import type { FreezeDefinition, FreezesState, FreezeWindow } from './state.js';
import { freezeProblems, frozenUntil, isAbout } from './window.js';

const ID = /^[a-zA-Z0-9-_]{1,128}$/;
/** Every change looks at all of them. */
const MAX_WINDOWS = 50;

const windowsIn = (view: StateView): readonly FreezeWindow[] => view.read<FreezesState>(FREEZES)?.windows ?? [];

/** Makes a window, or another one of it. Rejection: freeze-invalid (detail: the text). */
export function defineFreeze(
  view: StateView,
  _context: CommandContext,
  command: { readonly id: string; readonly definition: FreezeDefinition },
): Decision {
  const { id, definition } = command;
  const problems = freezeProblems(definition);
  if (!ID.test(id)) problems.unshift(`an id must match ${ID.source}`);
  const windows = windowsIn(view);
  if (windows.length >= MAX_WINDOWS && !windows.some((window) => window.id === id))
    problems.push(`there are ${MAX_WINDOWS} freezes already; delete one first`);
  if (problems.length > 0) return reject('freeze-invalid', problems.join('; '));
  const event: FreezeEvent = { type: 'FreezeDefined', data: { id, ...definition } };
  return accept([{ stream: FREEZES, event }]);
}

/** Rejection: freeze-not-found (detail: the id). */
export function deleteFreeze(view: StateView, _context: CommandContext, command: { readonly id: string }): Decision {
  const { id } = command;
  if (!windowsIn(view).some((window) => window.id === id)) return reject('freeze-not-found', id);
  const event: FreezeEvent = { type: 'FreezeDeleted', data: { id } };
  return accept([{ stream: FREEZES, event }]);
}

/** A change of a job that a freeze may hold up. */
export interface Change {
  /** The name of the command. */
  readonly command: string;
  /** Whose change it is; undefined: of nothing that is there, which the command itself refuses. */
  readonly of: (view: StateView) => { readonly namespace: string; readonly jobId: string } | undefined;
  /** Whether it is to be made all the same, and may be; undefined: it is not asked for. */
  readonly mayOverride?: ((namespace: string) => boolean) | undefined;
}

/**
 * Decides a change unless a freeze holds it up. What is read is checked by the append, so a window that is made in the same moment counts. Further
 * rejections: frozen (detail: JSON of {@link FrozenDetail}), permission-denied (of the override).
 */
export function unlessFrozen<A>(
  decide: (view: StateView, context: CommandContext) => Decision<A>,
  change: Change,
): (view: StateView, context: CommandContext) => Decision<A> {
  return (view, context) => {
    const windows = windowsIn(view);
    const about = windows.length === 0 ? undefined : change.of(view);
    if (about === undefined) return decide(view, context);
    const { namespace, jobId } = about;
    for (const window of windows) {
      if (!isAbout(window, namespace, jobId)) continue;
      const until = frozenUntil(window, context.now);
      if (until === null) continue;
      const frozen: FrozenChange = { freezeId: window.id, namespace, jobId, command: change.command };
      if (change.mayOverride === undefined) {
        const detail: FrozenDetail = { ...frozen, until: isoFromUs(until)!, reason: window.reason };
        return reject('frozen', JSON.stringify(detail));
      }
      if (!change.mayOverride(namespace)) return reject('permission-denied');
      return overridden(decide(view, context), frozen);
    }
    return decide(view, context);
  };
}

export interface FrozenDetail extends FrozenChange {
  /** RFC 3339. */
  readonly until: string;
  readonly reason: string;
}

function overridden<A>(decision: Decision<A>, data: FrozenChange): Decision<A> {
  if (decision.kind === 'rejected' || decision.events.length === 0) return decision;
  const event: FreezeEvent = { type: 'FreezeOverridden', data };
  return { ...decision, events: [...decision.events, { stream: FREEZE_OUTCOMES, event }] };
}

/** Notes that a change was refused: a refused command itself leaves nothing behind. */
export function noteFrozen(_view: StateView, _context: CommandContext, command: FrozenDetail): Decision {
  const { freezeId, namespace, jobId, command: name } = command;
  const event: FreezeEvent = { type: 'FreezeRefusedChange', data: { freezeId, namespace, jobId, command: name } };
  return accept([{ stream: FREEZE_OUTCOMES, event }]);
}
