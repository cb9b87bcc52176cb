export { canonicalPath, type CanonicalPath } from './canonical-path.js';
export type { Collection, Expression, Match, MatchOperator, Selector } from './filter/expression.js';
export { compileFilter, FILTER_EVALUATION_PREFIX, FILTER_SYNTAX_PREFIX, type Filter } from './filter/filter.js';
export { allocationType, deploymentType, evaluationType, jobType, nodeType } from './filter/nomad-types.js';
export type { FilterType } from './filter/type.js';
export { formatDuration, quote } from './go-format.js';
export { decodeBody } from './go-json/decode.js';
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
export type { Decoded, Shape } from './go-json/shape.js';
export { parseBool, parseGoDuration } from './go-strconv.js';
export { FILTER_WITH_OTHER_PARAMETERS, NomadError, refusalOf } from './nomad-error.js';
export {
  byCreateIndexAndId,
  byId,
  byNamespaceAndId,
  compareBytes,
  compareToCreateIndexToken,
  compareToNamespaceToken,
  formatCreateIndexToken,
  formatNamespaceToken,
  type Keying,
  type Page,
  type PageRequest,
  paginate,
  parseCreateIndexToken,
  parseNamespaceToken,
} from './pagination.js';
export {
  boolParam,
  DEFAULT_NAMESPACE,
  intParam,
  MAX_WAIT_MS,
  param,
  params,
  parseQuery,
  pretty,
  type Query,
  type ReadOptions,
  readOptions,
  uintParam,
  type WriteOptions,
  writeOptions,
} from './query.js';
export { fail, ok, type Refusal, type Result } from './result.js';
export { parseUuid, parseUuidPrefix } from './uuid-prefix.js';
