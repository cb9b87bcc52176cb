import type { JsonObject } from '@app/kernel';
import type { Constraint, Task } from '../../nomad.js';

const changeSignal = (block: JsonObject | null): string[] =>
  block?.['ChangeMode'] === 'signal' && typeof block['ChangeSignal'] === 'string' ? [block['ChangeSignal']] : [];

/** The signals that a task may be sent besides the usual ones of its driver. */
const signalsOf = (task: Task): string[] =>
  [task.KillSignal, ...changeSignal(task.Vault), ...(task.Templates ?? []).flatMap(changeSignal)].filter(
    (signal) => signal !== '',
  );

/**
 * The constraints of a group, and those that its tasks imply: a node must know the signals they ask for. Added once, so that a stored job
 * can be registered again. Source: spec/lifecycle §1.3, recording jobs-defaults-blocks.
 */
export function impliedConstraints(given: Constraint[] | null, tasks: readonly Task[]): Constraint[] | null {
  const signals = [...new Set(tasks.flatMap(signalsOf))].sort();
  if (signals.length === 0) return given;
  const implied: Constraint = { LTarget: '${attr.os.signals}', RTarget: signals.join(','), Operand: 'set_contains' };
  const isThere = (given ?? []).some(
    ({ LTarget, RTarget, Operand }) =>
      LTarget === implied.LTarget && RTarget === implied.RTarget && Operand === implied.Operand,
  );
  return isThere ? given : [...(given ?? []), implied];
}
