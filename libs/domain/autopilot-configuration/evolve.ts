import type { Fact } from '@app/kernel';
import type { AutopilotConfigurationEvent } from './events.js';
import type { AutopilotConfigurationState } from './state.js';

/** The configuration after one more choice. */
export const evolveAutopilotConfiguration = (
  state: AutopilotConfigurationState | undefined,
  { data }: AutopilotConfigurationEvent,
  { index }: Fact,
): AutopilotConfigurationState => ({ ...data, createIndex: state?.createIndex ?? index, modifyIndex: index });
