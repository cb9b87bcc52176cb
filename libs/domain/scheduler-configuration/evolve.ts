import type { Fact } from '@app/kernel';
import type { SchedulerConfigurationEvent } from './events.js';
import type { SchedulerConfigurationState } from './state.js';

/** The configuration after one more choice. */
export const evolveSchedulerConfiguration = (
  state: SchedulerConfigurationState | undefined,
  { data }: SchedulerConfigurationEvent,
  { index }: Fact,
): SchedulerConfigurationState => ({ ...data, createIndex: state?.createIndex ?? index, modifyIndex: index });
