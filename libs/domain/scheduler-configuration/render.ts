import { DEFAULT_SCHEDULER_CONFIGURATION, type SchedulerConfigurationState } from './state.js';

/** Nomad's SchedulerConfiguration. What cannot be switched on here is off. */
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
    MemoryOversubscriptionEnabled: false,
    RejectJobRegistration: false,
    PauseEvalBroker: false,
    NodeLimitForFeasibilityChecks: state.nodeLimit,
    CreateIndex: state.createIndex,
    ModifyIndex: state.modifyIndex,
  };
}
