import { DEFAULT_SCHEDULER_CONFIGURATION, type SchedulerConfigurationState } from './state.js';

/** Nomad's SchedulerConfiguration. */
export function renderSchedulerConfiguration(
  state: SchedulerConfigurationState = { ...DEFAULT_SCHEDULER_CONFIGURATION, createIndex: 0, modifyIndex: 0 },
): object {
  const { system, sysbatch, batch, service } = state.preemption;
  return {
    SchedulerAlgorithm: state.algorithm,
    PreemptionConfig: {
      SystemSchedulerEnabled: system,
      SysBatchSchedulerEnabled: sysbatch,
      BatchSchedulerEnabled: batch,
      ServiceSchedulerEnabled: service,
    },
    MemoryOversubscriptionEnabled: state.memoryOversubscription ?? false,
    RejectJobRegistration: state.rejectRegistration ?? false,
    PauseEvalBroker: state.pauseBroker ?? false,
    NodeLimitForFeasibilityChecks: state.nodeLimit,
    CreateIndex: state.createIndex,
    ModifyIndex: state.modifyIndex,
  };
}
