import type { DurationNs, Index } from '@app/kernel';

/** What Nomad lets an operator choose about its servers; spec/http-api-client §11. Kept for who reads it: servers here share a database, and nobody votes. */
export interface AutopilotConfiguration {
  readonly cleanupDeadServers: boolean;
  readonly lastContactThreshold: DurationNs;
  readonly maxTrailingLogs: number;
  readonly minQuorum: number;
  readonly serverStabilizationTime: DurationNs;
  readonly enableRedundancyZones: boolean;
  readonly disableUpgradeMigration: boolean;
  readonly enableCustomUpgrades: boolean;
}

/** The configuration since somebody chose one; until then the default counts. */
export interface AutopilotConfigurationState extends AutopilotConfiguration {
  readonly createIndex: Index;
  readonly modifyIndex: Index;
}

/** That of the default: no index is 0, and nothing came before this. */
export const DEFAULT_AUTOPILOT_INDEX: Index = 1;

export const DEFAULT_AUTOPILOT_CONFIGURATION: AutopilotConfiguration = {
  cleanupDeadServers: true,
  lastContactThreshold: 200_000_000,
  maxTrailingLogs: 250,
  minQuorum: 0,
  serverStabilizationTime: 10_000_000_000,
  enableRedundancyZones: false,
  disableUpgradeMigration: false,
  enableCustomUpgrades: false,
};
