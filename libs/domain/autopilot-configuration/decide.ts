import {
  accept,
  AUTOPILOT_CONFIGURATION,
  type CommandContext,
  type Decision,
  type Index,
  type StateView,
} from '@app/kernel';
import { DEFAULT_AUTOPILOT_INDEX, type AutopilotConfiguration, type AutopilotConfigurationState } from './state.js';

export interface ChooseAutopilotConfiguration {
  readonly configuration: AutopilotConfiguration;
  /** Only if this is the present one's ModifyIndex; null: in any case. */
  readonly enforceIndex: Index | null;
}

/** Nomad: Operator.AutopilotSetConfiguration; spec/http-api-client §11. A choice that comes too late is no error: `updated` is false. */
export function chooseAutopilotConfiguration(
  view: StateView,
  _context: CommandContext,
  { configuration, enforceIndex }: ChooseAutopilotConfiguration,
): Decision<{ readonly updated: boolean }> {
  const present =
    view.read<AutopilotConfigurationState>(AUTOPILOT_CONFIGURATION)?.modifyIndex ?? DEFAULT_AUTOPILOT_INDEX;
  if (enforceIndex !== null && enforceIndex !== present) return accept([], { updated: false });
  const event = { type: 'AutopilotConfigurationChosen', data: configuration } as const;
  return accept([{ stream: AUTOPILOT_CONFIGURATION, event }], { updated: true });
}
