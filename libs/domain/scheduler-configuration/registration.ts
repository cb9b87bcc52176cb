import { SCHEDULER_CONFIGURATION, type StateView } from '@app/kernel';
import type { SchedulerConfigurationState } from './state.js';

/** A command that an operator may have closed. */
export interface Registration {
  /** With a management token, which closed registration does not hold up. Never while ACLs are off. */
  readonly byManagement?: boolean;
}

/**
 * Whether an operator has closed registration: no job is registered, dispatched, scaled or reverted then, but with a management token.
 * Nomad: RejectJobRegistration.
 */
export const isRegistrationClosed = (view: StateView, { byManagement = false }: Registration): boolean =>
  !byManagement && (view.read<SchedulerConfigurationState>(SCHEDULER_CONFIGURATION)?.rejectRegistration ?? false);

/** Whether an operator has paused the broker: no evaluation is worked on then. Nomad: PauseEvalBroker. */
export const isBrokerPaused = (view: StateView): boolean =>
  view.read<SchedulerConfigurationState>(SCHEDULER_CONFIGURATION)?.pauseBroker ?? false;
