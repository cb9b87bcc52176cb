import { SCHEDULER_CONFIGURATION, type StateView } from '@app/kernel';
import type { SchedulerConfigurationState } from './state.js';

/** Whether an operator has closed registration: no job is registered, dispatched, scaled or reverted then. Nomad: RejectJobRegistration. */
export const isRegistrationClosed = (view: StateView): boolean =>
  view.read<SchedulerConfigurationState>(SCHEDULER_CONFIGURATION)?.rejectRegistration ?? false;

/** Whether an operator has paused the broker: no evaluation is worked on then. Nomad: PauseEvalBroker. */
export const isBrokerPaused = (view: StateView): boolean =>
  view.read<SchedulerConfigurationState>(SCHEDULER_CONFIGURATION)?.pauseBroker ?? false;
