import type { AutopilotConfiguration } from './state.js';

export interface AutopilotConfigurationEvent {
  readonly type: 'AutopilotConfigurationChosen';
  /** All of it: nothing is left as it was. */
  readonly data: AutopilotConfiguration;
}
