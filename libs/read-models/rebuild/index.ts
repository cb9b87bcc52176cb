export { Unfoldable } from './fold-log.js';
export { rebuild, type Rebuilt, type RebuildOptions } from './rebuild.js';
export type { RebuildableTable } from './shadow.js';
export { NotNow, verify, type Verified, type VerifyOptions } from './verify.js';
