export { canonicalPath, type CanonicalPath } from './canonical-path.js';
export type { Collection, Expression, Match, MatchOperator, Selector } from './filter/expression.js';
export { compileFilter, FILTER_EVALUATION_PREFIX, FILTER_SYNTAX_PREFIX, type Filter } from './filter/filter.js';
export {
  aclTokenType,
  allocationType,
  deploymentType,
  evaluationType,
  jobType,
  nodePoolType,
  nodeType,
  selectableType,
  serviceRegistrationType,
  variableType,
} from './filter/nomad-types.js';
export type { FilterType } from './filter/type.js';
export { decodeBody, decodeBodyInSteps } from './go-json/decode.js';
export type {
  JobInput,
  MigrateStrategyInput,
  ReschedulePolicyInput,
  ResourcesInput,
  RestartPolicyInput,
  ServiceInput,
  TaskGroupInput,
  TaskInput,
  UpdateStrategyInput,
} from './go-json/job-shape.js';
export * from './go-json/request-shapes.js';
export type { Decoded, Shape, ShapeNode } from './go-json/shape.js';
export { parseAtoi, parseBool, parseGoDuration, parseInt64, parseUint64 } from './go-strconv.js';
export { textOfExtendedHeader, textOfHeader, tokenForHeader } from './header-text.js';
export { FILTER_WITH_OTHER_PARAMETERS, NomadError } from './nomad-error.js';
export {
  byCreateIndexAndId,
  byId,
  byModifyIndex,
  byNamespaceAndId,
  compareBytes,
  type Keying,
  type Page,
  type PageRequest,
  paginate,
  parseCreateIndexToken,
  parseNamespaceToken,
} from './pagination.js';
export {
  boolParam,
  intParam,
  param,
  params,
  parseQuery,
  pretty,
  type Query,
  type ReadOptions,
  readOptions,
  timeOf,
  uintParam,
  type WriteOptions,
  writeOptions,
} from './query.js';
export { fail, ok, type Refusal, type Result } from './result.js';
export { isUuid, parseUuid, parseUuidPrefix } from './uuid-prefix.js';
export { percentDecode } from './percent.js';
