import {
  accept,
  SCHEDULER_CONFIGURATION,
  type CommandContext,
  type Decision,
  type Index,
  type StateView,
} from '@app/kernel';
import type { SchedulerConfiguration, SchedulerConfigurationState } from './state.js';

export interface ChooseSchedulerConfiguration {
  readonly configuration: SchedulerConfiguration;
  /** Only if this is the present one's ModifyIndex (0: the default has never been changed); null: in any case. */
  readonly enforceIndex: Index | null;
}

/** Nomad: Operator.SchedulerSetConfiguration; spec/http-api §4.9. A choice that comes too late is no error: `updated` is false. */
export function chooseSchedulerConfiguration(
  view: StateView,
  _context: CommandContext,
  { configuration, enforceIndex }: ChooseSchedulerConfiguration,
): Decision<{ readonly updated: boolean }> {
  const present = view.read<SchedulerConfigurationState>(SCHEDULER_CONFIGURATION)?.modifyIndex ?? 0;
  if (enforceIndex !== null && enforceIndex !== present) return accept([], { updated: false });
  const event = { type: 'SchedulerConfigurationChosen', data: configuration } as const;
  return accept([{ stream: SCHEDULER_CONFIGURATION, event }], { updated: true });
}
