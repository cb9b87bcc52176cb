export { assertNever } from './assert-never.js';
export type { Decision, Rejection } from './decision.js';
export { accept, reject } from './decision.js';
export type { CommandContext, DomainEvent, EventMeta, Fact, NewEvent, RecordedEvent } from './event.js';
export { traceIdOf } from './event.js';
export { exactNumber, isExactNumber, literalOf, parseExact } from './exact-number.js';
export type { ParsedDuration } from './go-duration.js';
export { parseDuration } from './go-duration.js';
export { goDuration, goList, isPrintable, quoted, visible } from './go-format.js';
export type { Json, JsonObject } from './json.js';
export type { ByName } from './own-property.js';
export { byName, ownProperty, setOwnProperty } from './own-property.js';
export { allOf, atOnce, eachOf, type Steps } from './steps.js';
export type { StreamName, StreamType } from './stream.js';
export {
  ACL_REGISTRY,
  aclAuthMethodStream,
  aclBindingRuleStream,
  aclPolicyStream,
  aclRoleStream,
  aclTokenStream,
  allocationStream,
  deploymentStream,
  evaluationStream,
  jobStream,
  jobSummaryStream,
  jobPurgeStream,
  NAMESPACED_TYPES,
  namespaceStream,
  nodePoolStream,
  scalingPolicyStream,
  FREEZE_OUTCOMES,
  FREEZES,
  KEYRING,
  nodeStream,
  AUTOPILOT_CONFIGURATION,
  SCHEDULER_CONFIGURATION,
  servicesStream,
  streamKey,
  STREAM_TYPES,
  streamType,
  variableStream,
  webhookLettersStream,
  WEBHOOKS,
} from './stream.js';
export type { DurationNs, Index, TimeNs, TimeUs } from './time.js';
export { isoFromUs, nsFromUs, US_PER_MS, US_PER_S, usFromNs, usFromRfc3339 } from './time.js';
export type { StateView } from './state-view.js';
