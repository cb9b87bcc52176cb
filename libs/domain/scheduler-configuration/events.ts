import type { SchedulerConfiguration } from './state.js';

export interface SchedulerConfigurationEvent {
  readonly type: 'SchedulerConfigurationChosen';
  /** All of it: nothing is left as it was. */
  readonly data: SchedulerConfiguration;
}
