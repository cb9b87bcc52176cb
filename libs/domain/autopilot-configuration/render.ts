import { goDuration } from '@app/kernel';
import { DEFAULT_AUTOPILOT_CONFIGURATION, DEFAULT_AUTOPILOT_INDEX, type AutopilotConfigurationState } from './state.js';

/** Nomad's AutopilotConfiguration; durations are texts. */
export const renderAutopilotConfiguration = (
  state: AutopilotConfigurationState = {
    ...DEFAULT_AUTOPILOT_CONFIGURATION,
    createIndex: DEFAULT_AUTOPILOT_INDEX,
    modifyIndex: DEFAULT_AUTOPILOT_INDEX,
  },
): object => ({
  CleanupDeadServers: state.cleanupDeadServers,
  LastContactThreshold: goDuration(state.lastContactThreshold),
  MaxTrailingLogs: state.maxTrailingLogs,
  MinQuorum: state.minQuorum,
  ServerStabilizationTime: goDuration(state.serverStabilizationTime),
  EnableRedundancyZones: state.enableRedundancyZones,
  DisableUpgradeMigration: state.disableUpgradeMigration,
  EnableCustomUpgrades: state.enableCustomUpgrades,
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
});
